"""Options that several commands share."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace

import skw2c

from ._tables import read_vectors

# Options that only some encoders have, and their values where they were not given.
_OF_ENCODER = {
    "weights": SUPPRESS,
    "mode": "clip",
    "frame_length": SUPPRESS,
    "hop_length": SUPPRESS,
    "tail": None,
    "batch_size": SUPPRESS,
    "output": None,
    "normalize": False,
}
_LOCAL = ("device", "n_jobs", "on_error", "random_state")
_CLIP = {"clip_model": "model", "clip_pretrained": "pretrained"}


def weights(text: str) -> str | None:
    """Read ``none`` as None."""
    return None if text.lower() == "none" else text


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def add_paths(parser: ArgumentParser) -> None:
    """The files to work on."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        help="sound files, folders of them, or patterns such as 'takes/**/*.wav'",
    )


def add_encoder(parser: ArgumentParser) -> None:
    """How sounds are embedded."""
    group = parser.add_argument_group("encoder")
    add_encoder_name(group)
    group.add_argument(
        "--mode", choices=["clip", "frame"], default="clip", help="whole clips or windows"
    )
    group.add_argument("--frame-length", type=float, default=SUPPRESS, metavar="SECONDS")
    group.add_argument("--hop-length", type=float, default=SUPPRESS, metavar="SECONDS")
    group.add_argument(
        "--tail",
        choices=["pad", "drop"],
        help="an incomplete last window: heard with silence after it, or dropped (default: "
        "drop in embed, as in the original program, else pad)",
    )
    group.add_argument("--batch-size", type=positive, default=SUPPRESS, metavar="N")
    add_machine(parser)
    group.add_argument(
        "--on-error",
        choices=["raise", "nan"],
        default="raise",
        help="what becomes of a clip that cannot be read: stop, or go on without its numbers",
    )
    group.add_argument(
        "--random-state", type=int, default=0, metavar="SEED", help="for --weights none"
    )


def add_encoder_name(parser) -> None:
    """Which encoder of sounds, with which weights."""
    parser.add_argument(
        "--encoder",
        default="wav2clip",
        metavar="NAME",
        help="registered encoder of sounds, such as wav2clip (default), mini or one that an "
        "installed package brings; any other name lists those that there are",
    )
    parser.add_argument(
        "--weights",
        type=weights,
        default=SUPPRESS,
        help="name or path of its weights, or 'none' for untrained ones (default: the official "
        "ones, fetched once)",
    )


def add_clip(parser) -> None:
    """Which CLIP, in place of the one that shares the space of the encoder of sounds."""
    parser.add_argument("--clip-model", default=SUPPRESS, metavar="NAME")
    parser.add_argument("--clip-pretrained", type=weights, default=SUPPRESS, metavar="TAG")


def add_machine(parser: ArgumentParser) -> None:
    """Where and how the work is done."""
    group = parser.add_argument_group("machine")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, openvino ...")
    group.add_argument("--n-jobs", type=int, default=None, metavar="N", help="threads that decode")
    group.add_argument("--quiet", action="store_true", help="no progress bar")


def add_words(parser: ArgumentParser) -> None:
    """How words are embedded."""
    group = parser.add_argument_group("words")
    group.add_argument(
        "--prompt",
        action="append",
        metavar="TEMPLATE",
        help="template with {} for the words, such as 'the sound of {}'; may be given often",
    )
    group.add_argument(
        "--label-vectors",
        metavar="FILE",
        help="table of ready vectors in place of CLIP: .csv or .parquet with the label in the "
        "first column, or .npz with 'names' and 'vectors'",
    )
    add_clip(group)


def make_encoder(options: Namespace, memory: str | None, **parameters):
    """Make the encoder of sounds that the options describe.

    Parameters
    ----------
    options : Namespace
        What was not given in it is left to the encoder.
    memory : str or None
        Where it keeps vectors.
    **parameters
        What the command chooses itself, where the encoder has it.

    Raises
    ------
    ValueError
        If the encoder is not registered, or an option does not apply to it.
    """
    from ..transformers._encoder_registry import find_encoder  # not for --help

    entry = find_encoder(options.encoder, "audio")
    if entry.embeds != "audio":
        raise ValueError(f"encoder={options.encoder!r} takes vectors, and cannot embed files")
    given = {name: value for name, value in vars(options).items() if name in _OF_ENCODER}
    given = {name: value for name, value in given.items() if value != _OF_ENCODER[name]}
    for name in sorted(set(given) - set(entry.encoder._get_param_names())):
        raise ValueError(
            f"--{name.replace('_', '-')} does not apply to --encoder {options.encoder}: leave it "
            "out, or choose another encoder"
        )
    local = {name: value for name, value in vars(options).items() if name in _LOCAL}
    verbose = not options.quiet
    return entry.make(**{**local, "memory": memory, "verbose": verbose, **parameters, **given})


def make_text_encoder(options: Namespace):
    """Make the encoder of words that the options describe, or the table of their vectors.

    Without options it is the one that shares the space of the encoder of sounds.
    """
    if options.label_vectors:
        return read_vectors(options.label_vectors)
    return _make_clip(skw2c.CLIPTextEncoder, options)


def make_image_encoder(options: Namespace):
    """Make the encoder of images that the options describe."""
    return _make_clip(skw2c.CLIPImageEncoder, options)


def clip_parameters(options: Namespace) -> dict:
    """Model and weights of CLIP, where they were given."""
    return {name: value for name, value in vars(options).items() if name in _CLIP}


def _make_clip(kind: type, options: Namespace):
    given = {_CLIP[name]: value for name, value in clip_parameters(options).items()}
    if not given:
        return "auto"
    device = "auto" if options.device == "openvino" else options.device
    return kind(**given, device=device, random_state=0)
