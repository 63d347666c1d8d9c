"""Options that several commands share."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace

import skw2c

from ._idle_windows import refuse_idle_windows
from ._tables import read_vectors

# Options that only some encoders have, and their values if they were not given.
_OF_ENCODER = {
    "weights": SUPPRESS,
    "mode": "clip",
    "frame_length": SUPPRESS,
    "hop_length": SUPPRESS,
    "tail": None,
    "batch_size": SUPPRESS,
    "output": None,
    "normalize": False,
    "precision": None,
}
_LOCAL = ("device", "n_jobs", "on_error", "random_state")
_CLIP = {"clip_model": "model", "clip_pretrained": "pretrained"}


def weights(text: str) -> str | None:
    """Read ``none`` as None."""
    return None if text.lower() == "none" else text


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"got {text!r}, expected a whole number of at least 1")
    return int(text)


def number_of_jobs(text: str) -> int:
    """Read a number of threads; as in joblib, -1 is as many as there are processors."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number == 0:
        raise ArgumentTypeError(
            f"got {text!r}, expected a number of threads, or -1 for as many as there are processors"
        )
    return number


def part_of_work(text: str) -> tuple[int, int]:
    """Read ``1/4``."""
    k, slash, n = text.partition("/")
    if not (slash and k.isdecimal() and n.isdecimal() and 1 <= int(k) <= int(n)):
        raise ArgumentTypeError(f"got {text!r}, expected a part such as 1/4")
    return int(k), int(n)


def _cluster(text: str) -> int | str:
    """Read a number of workers or the address of a scheduler."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    if "://" in text:
        return text
    raise ArgumentTypeError(
        f"got {text!r}, expected a number of workers, or an address such as tcp://10.0.0.5:8786"
    )


def add_dask(parser) -> None:
    """Add the cluster to work on."""
    parser.add_argument(
        "--dask",
        type=_cluster,
        metavar="N|ADDRESS",
        help="work in N processes on this machine, or on the cluster of Dask whose scheduler has "
        "this address, such as tcp://10.0.0.5:8786. Its workers run what anybody sends who reaches "
        "it: keep it within a network that you trust, or use TLS",
    )


def add_paths(parser: ArgumentParser, *, required: bool = True) -> None:
    """Add the files to work on."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+" if required else "*",
        help="sound files, folders of them, or patterns such as 'takes/**/*.wav'",
    )


def add_encoder(parser: ArgumentParser) -> None:
    """Add the options of the audio encoder."""
    group = parser.add_argument_group("encoder")
    add_encoder_name(group)
    add_windows(group)
    group.add_argument("--batch-size", type=positive, default=SUPPRESS, metavar="N")
    group.add_argument(
        "--precision",
        choices=["float32", "int8"],
        help="what the network computes in: int8 is faster, and a little less exact",
    )
    add_machine(parser)
    group.add_argument(
        "--on-error",
        choices=["raise", "nan"],
        default="raise",
        help="stop at a clip that cannot be read, or go on without its vector",
    )
    add_seed(group)


def add_windows(group) -> None:
    """Add whether whole clips are embedded, or windows, and which."""
    group.add_argument(
        "--mode", choices=["clip", "frame"], default="clip", help="whole clips or windows"
    )
    group.add_argument("--frame-length", type=float, default=SUPPRESS, metavar="SECONDS")
    group.add_argument("--hop-length", type=float, default=SUPPRESS, metavar="SECONDS")
    group.add_argument(
        "--tail",
        choices=["pad", "drop"],
        help="pad an incomplete last window with silence, or drop it (default: drop in embed and "
        "export, as in the original program, else pad)",
    )


def add_vector(parser) -> None:
    """Add which of the encoder's vectors to give."""
    parser.add_argument(
        "--output",
        metavar="NAME",
        help="which vector, of encoders that give several: embedding (default), or encoder for the "
        "one before the projection; scores of yamnet, mn10 and ced",
    )
    parser.add_argument("--normalize", action="store_true", help="scale vectors to unit length")


def add_seed(group) -> None:
    """Add the seed of an untrained encoder."""
    group.add_argument(
        "--random-state", type=int, default=0, metavar="SEED", help="for --weights none"
    )


def add_encoder_name(parser) -> None:
    """Add the name and the weights of the audio encoder."""
    parser.add_argument(
        "--encoder",
        metavar="NAME",
        help="audio encoder: wav2clip (default), mini, or another registered one, also from other "
        "packages; an unknown name lists them all",
    )
    parser.add_argument(
        "--weights",
        type=weights,
        default=SUPPRESS,
        help="name or path of its weights, or 'none' for untrained weights (default: the official "
        "ones, downloaded once); 'mini' is the same as --encoder mini, which needs no network and "
        "no CLIP",
    )


def add_clip(parser) -> None:
    """Add the options of CLIP, instead of the one that shares the space of the audio encoder."""
    parser.add_argument("--clip-model", default=SUPPRESS, metavar="NAME")
    parser.add_argument("--clip-pretrained", type=weights, default=SUPPRESS, metavar="TAG")


def add_machine(parser: ArgumentParser) -> None:
    """Add the options of devices, threads and progress."""
    group = parser.add_argument_group("machine")
    group.add_argument(
        "--device", default="auto", help="auto, cpu, cuda, openvino, onnxruntime ..."
    )
    group.add_argument(
        "--n-jobs",
        type=number_of_jobs,
        default=None,
        metavar="N",
        help="number of threads that decode",
    )
    group.add_argument("--quiet", action="store_true", help="do not show progress")


def add_text(parser: ArgumentParser) -> None:
    """Add the options of the text encoder."""
    group = parser.add_argument_group("text")
    group.add_argument(
        "--prompt",
        action="append",
        metavar="TEMPLATE",
        help="template with {} for the text, such as 'the sound of {}'; may be repeated",
    )
    group.add_argument(
        "--label-vectors",
        metavar="FILE",
        help="table of precomputed vectors instead of CLIP: .csv or .parquet with the label in "
        "the first column, or .npz with 'names' and 'vectors'",
    )
    add_clip(group)


def make_encoder(options: Namespace, memory: str | None, **parameters):
    """Make the audio encoder for the options.

    Parameters
    ----------
    options : Namespace
        Options that were not given are left to the encoder.
    memory : str or None
        Folder of the cache of vectors.
    **parameters
        Parameters that the command sets, if the encoder has them.

    Raises
    ------
    ValueError
        If the encoder is not registered, or an option does not apply to it.
    """
    from ..transformers._encoder_registry import find_encoder  # not for --help

    name = _name_of_encoder(options)
    entry = find_encoder(name, "audio")
    if entry.embeds != "audio":
        raise ValueError(f"encoder={name!r} takes vectors, and cannot embed files")
    given = given_of_encoder(options)
    for option in sorted(set(given) - set(entry.encoder._get_param_names())):
        raise ValueError(
            f"--{option.replace('_', '-')} does not apply to --encoder {name}: leave it out, or "
            "choose another encoder"
        )
    local = {name: value for name, value in vars(options).items() if name in _LOCAL}
    verbose = not options.quiet
    encoder = entry.make(**{**local, "memory": memory, "verbose": verbose, **parameters, **given})
    if hasattr(options, "mode"):
        refuse_idle_windows(encoder, given, f"--encoder {name}")
    return encoder


def names_encoder(options: Namespace) -> bool:
    """Whether an encoder or its weights were named."""
    return options.encoder is not None or hasattr(options, "weights")


def adapt_encoder(encoder, options: Namespace, memory: str | None):
    """Set an encoder that the options do not name to work as they say.

    Parameters
    ----------
    encoder : transformer
        That of a saved index.
    options : Namespace
    memory : str or None
        Folder of the cache of vectors.

    Raises
    ------
    ValueError
        If the encoder takes vectors, or an option does not apply to it.
    """
    if isinstance(encoder, str):
        raise ValueError(f"the index was made with encoder={encoder!r}, which cannot embed files")
    known, given = encoder.get_params(deep=False), given_of_encoder(options)
    for option in sorted(set(given) - set(known)):
        raise ValueError(
            f"--{option.replace('_', '-')} does not apply to the encoder of the index, "
            f"{type(encoder).__name__}: leave it out"
        )
    here = {"device": options.device, "n_jobs": options.n_jobs, "on_error": options.on_error}
    here |= {"memory": memory, "verbose": not options.quiet}
    encoder.set_params(**{name: here[name] for name in here if name in known}, **given)
    refuse_idle_windows(encoder, given, "the encoder of the index")
    return encoder


def given_of_encoder(options: Namespace) -> dict:
    """Options that only some encoders have, and that were given."""
    given = {option: value for option, value in vars(options).items() if option in _OF_ENCODER}
    return {option: value for option, value in given.items() if value != _OF_ENCODER[option]}


def _name_of_encoder(options: Namespace) -> str:
    """The encoder that was chosen, also by the name of weights that are an encoder's own."""
    from ..transformers._encoder_registry import is_registered

    if options.encoder is not None:
        return options.encoder
    chosen = getattr(options, "weights", None)
    return chosen if chosen is not None and is_registered(chosen, "audio") else "wav2clip"


def make_text_encoder(options: Namespace):
    """Make the text encoder for the options, or the table of label vectors.

    Without options, it is the one that shares the space of the audio encoder.
    """
    if options.label_vectors:
        return read_vectors(options.label_vectors)
    return _make_clip("CLIPTextEncoder", options)


def make_image_encoder(options: Namespace):
    """Make the image encoder for the options."""
    return _make_clip("CLIPImageEncoder", options)


def index_parameters(options: Namespace) -> dict:
    """Parameters to load an index with: what was given; what was not stays as it was saved."""
    encoders = {
        "text_encoder": make_text_encoder(options),
        "image_encoder": make_image_encoder(options),
    }
    parameters = {name: own for name, own in encoders.items() if not isinstance(own, str)}
    if options.prompt:
        parameters["prompts"] = options.prompt
    return {**parameters, "device": options.device, "n_jobs": options.n_jobs}


def clip_parameters(options: Namespace) -> dict:
    """Model and weights of CLIP, if they were given."""
    return {name: value for name, value in vars(options).items() if name in _CLIP}


def _make_clip(kind: str, options: Namespace):
    given = {_CLIP[name]: value for name, value in clip_parameters(options).items()}
    if not given:
        return "auto"
    from ..models._devices import device_beside

    return getattr(skw2c, kind)(**given, device=device_beside(options.device), random_state=0)
