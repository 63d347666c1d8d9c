"""Write an encoder of sound as an ONNX file, which needs neither skw2c nor torch to run.

The model takes waveforms (clips, samples), mono, float32, at the rate that its metadata state, and
gives their vectors: those that `skw2c embed` gives with the same options.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ._options import add_encoder_name, add_seed, add_vector, add_windows, make_encoder

HELP = "write an encoder as an ONNX file"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("out", metavar="OUT.onnx", help="file to write")
    group = parser.add_argument_group("encoder")
    add_encoder_name(group)
    add_windows(group)
    add_seed(group)
    add_vector(group)
    parser.add_argument("--quiet", action="store_true", help="do not show progress of downloads")


def run(options: Namespace) -> int:
    """Write the file; return the exit status."""
    from ..transformers._export import check_export  # not for --help

    check_export(options.out)
    encoder = make_encoder(options, None)
    if not hasattr(encoder, "export"):
        raise ValueError(
            f"--encoder {options.encoder} cannot be exported: it is an encoder of another package, "
            "without a method 'export'"
        )
    encoder.fit().export(options.out)
    return 0
