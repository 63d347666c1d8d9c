"""Write an encoder of sound as an ONNX file, which needs neither skw2c nor torch to run.

The model takes waveforms (clips, samples), mono, float32, at the rate that its metadata state, and
gives their vectors: those that `skw2c embed` gives with the same options. With --words, it is the
encoder of words that belongs to the one of sound: from numbers of word pieces to vectors that can
be compared with those of sounds. Its metadata say how texts are cut into word pieces.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ._options import (
    add_encoder_name,
    add_seed,
    add_vector,
    add_windows,
    given_of_encoder,
    make_encoder,
)

HELP = "write an encoder as an ONNX file"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("out", metavar="OUT.onnx", help="file to write")
    group = parser.add_argument_group("encoder")
    add_encoder_name(group)
    group.add_argument(
        "--words",
        action="store_true",
        help="write the encoder of words that belongs to it; there is one of mini",
    )
    add_windows(group)
    add_seed(group)
    add_vector(group)
    parser.add_argument("--quiet", action="store_true", help="do not show progress of downloads")


def run(options: Namespace) -> int:
    """Write the file; return the exit status."""
    encoder = _find_words(options) if options.words else _find_sounds(options)
    encoder.fit().export(options.out)
    return 0


def _find_sounds(options: Namespace):
    from ..transformers._export import check_export  # not for --help

    check_export(options.out)
    encoder = make_encoder(options, None)
    if not hasattr(encoder, "export"):
        raise ValueError(
            f"--encoder {options.encoder} cannot be exported: it is an encoder of another package, "
            "without a method 'export'"
        )
    return encoder


def _find_words(options: Namespace):
    from ..transformers._encoders import make_partner, name_encoder  # not for --help
    from ..transformers._export_facts import check_file

    check_file(options.out)
    for option in sorted(set(given_of_encoder(options)) - {"weights"}):
        raise ValueError(
            f"--{option.replace('_', '-')} does not apply to --words: leave one of both out"
        )
    sounds = make_encoder(options, None)
    words = make_partner(sounds, "text", verbose=not options.quiet)
    if words is None:
        raise ValueError(f"{name_encoder(sounds)} has no words: leave --words out")
    if not hasattr(words, "export"):
        raise ValueError(
            f"{name_encoder(words)}, which has the words of {name_encoder(sounds)}, cannot be "
            "exported: choose --encoder mini, or leave --words out"
        )
    return words
