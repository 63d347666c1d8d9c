"""Options that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace

import skw2c

from ._tables import read_vectors


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
    group.add_argument(
        "--weights",
        type=weights,
        default="wav2clip",
        help="name or path of the weights, or 'none' for an untrained encoder (default: "
        "wav2clip, the official ones, fetched once)",
    )
    group.add_argument(
        "--mode", choices=["clip", "frame"], default="clip", help="whole clips or windows"
    )
    group.add_argument("--frame-length", type=float, default=1.0, metavar="SECONDS")
    group.add_argument("--hop-length", type=float, default=1.0, metavar="SECONDS")
    group.add_argument(
        "--tail",
        choices=["pad", "drop"],
        help="an incomplete last window: heard with silence after it, or dropped (default: "
        "drop in embed, as in the original program, else pad)",
    )
    group.add_argument("--batch-size", type=positive, default=32, metavar="N")
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
    group.add_argument("--clip-model", default="ViT-B-32-quickgelu", metavar="NAME")
    group.add_argument("--clip-pretrained", type=weights, default="openai", metavar="TAG")


def make_encoder(options: Namespace, memory: str | None):
    """The encoder of sounds that the options describe."""
    return skw2c.Wav2CLIPTransformer(
        options.weights,
        mode=options.mode,
        frame_length=options.frame_length,
        hop_length=options.hop_length,
        tail=options.tail or "drop",
        batch_size=options.batch_size,
        device=options.device,
        n_jobs=options.n_jobs,
        memory=memory,
        on_error=options.on_error,
        random_state=options.random_state,
        verbose=not options.quiet,
    )


def make_text_encoder(options: Namespace):
    """The encoder of words that the options describe, or the table of their vectors."""
    if options.label_vectors:
        return read_vectors(options.label_vectors)
    return skw2c.CLIPTextEncoder(**_clip_parameters(options))


def make_image_encoder(options: Namespace):
    """The encoder of pictures that the options describe."""
    return skw2c.CLIPImageEncoder(**_clip_parameters(options))


def _clip_parameters(options: Namespace) -> dict:
    return dict(
        model=options.clip_model,
        pretrained=options.clip_pretrained,
        device="auto" if options.device == "openvino" else options.device,
        random_state=0,
    )
