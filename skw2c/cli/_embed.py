"""Embed sound files: one vector for each file, or for each of its windows.

To resume an interrupted run, give the same command again. Until the output is written, vectors
that are finished are kept next to it, in FILE.partial.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..validation._file_names import column_of_names
from ._failures import SOME_FAILED, listed_failures
from ._file_search import find_files
from ._options import add_encoder, add_paths, make_encoder
from ._partial_folder import resumable
from ._tables import check_output, write_table

HELP = "embed sound files as a table of vectors"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_paths(parser)
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="table to write: .csv, .tsv, .parquet or .npz"
    )
    add_encoder(parser)
    parser.add_argument(
        "--output",
        metavar="NAME",
        help="which vector, of encoders that give several: embedding (default), or encoder for the "
        "one before the projection; scores of yamnet, mn10 and ced",
    )
    parser.add_argument("--normalize", action="store_true", help="scale vectors to unit length")


def run(options: Namespace) -> int:
    """Embed the files; return the exit status."""
    check_output(options.out)
    files = find_files(options.paths, on_error=options.on_error)
    make_encoder(options, None)  # what does not fit together is refused before the work
    with resumable(options.out) as memory, listed_failures(files.unread) as failures:
        encoder = make_encoder(options, memory).fit(files)
        make_table = _tabulate_windows if options.mode == "frame" else _tabulate
        write_table(make_table(files, encoder), options.out)
    return SOME_FAILED if failures else 0


def _tabulate(files: list[str], encoder):
    """Return one row for each file: its name, its vector."""
    import pandas as pd

    vectors = encoder.transform(files)
    table = pd.DataFrame(vectors, columns=_name_columns(encoder, vectors))
    table.insert(0, "file", column_of_names(files))
    return table


def _tabulate_windows(files: list[str], encoder):
    """Return one row for each window: the name of its file, its time, its vector."""
    import numpy as np
    import pandas as pd

    from ..transformers._frame_vectors import embed_frames, frame_times_of

    vectors, durations = embed_frames(encoder, files)
    counts = [len(frames) for frames in vectors]
    table = pd.DataFrame(np.concatenate(list(vectors)), columns=_name_columns(encoder, vectors))
    clips = zip(counts, durations, strict=True)
    times = np.concatenate([frame_times_of(encoder, count, duration) for count, duration in clips])
    table.insert(0, "file", column_of_names(np.repeat(files, counts).tolist()))
    table.insert(1, "start", times[:, 0])
    table.insert(2, "end", times[:, 1])
    return table


def _name_columns(encoder, vectors) -> list[str]:
    if hasattr(encoder, "get_feature_names_out"):
        return list(encoder.get_feature_names_out())
    prefix = type(encoder).__name__.lower()
    return [f"{prefix}{column}" for column in range(len(vectors[0].T))]
