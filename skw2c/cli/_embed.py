"""Embed sound files: one vector for each file, or for each of its windows.

The output is a table, or, where its name ends in a slash, a folder of Parquet files for any number
of sounds, which can be computed by several processes or machines, and brought up to date: another
run embeds only files that are new or have changed.

To resume an interrupted run, give the same command again. Until a table is written, vectors that
are finished are kept next to it, in FILE.partial.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from ..files import Found
from ..validation._file_names import column_of_names
from ._corpus import add_corpus, is_folder, refuse_corpus_options, write_corpus
from ._failures import SOME_FAILED, listed_failures
from ._file_search import find_files
from ._file_table import read_file_names
from ._options import add_encoder, add_vector, make_encoder
from ._partial_folder import resumable
from ._tables import check_output, write_table

HELP = "embed sound files as a table of vectors"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help="sound files, folders of them, patterns such as 'takes/**/*.wav', archives such as "
        "takes.zip, or addresses such as s3://bucket/takes",
    )
    parser.add_argument(
        "--files",
        metavar="TABLE:COLUMN",
        help="also the files that a column of a .csv, .tsv or .parquet table names",
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE|FOLDER/",
        help="table to write: .csv, .tsv, .parquet or .npz; or a folder of Parquet files",
    )
    add_corpus(parser)
    add_encoder(parser)
    parser.set_defaults(on_error=None)
    add_vector(parser)


def run(options: Namespace) -> int:
    """Embed the files; return the exit status."""
    in_folder = is_folder(options.out)
    if options.on_error is None:  # in a folder a failure is a row that says why
        options.on_error = "nan" if in_folder else "raise"
    if not in_folder:
        refuse_corpus_options(options)
        _refuse_without_suffix(options.out)
        check_output(options.out)
    files = _find(options)
    if in_folder:
        return write_corpus(options, files)
    make_encoder(options, None)  # what does not fit together is refused before the work
    with resumable(options.out) as memory, listed_failures(files.unread) as failures:
        encoder = make_encoder(options, memory).fit(files)
        make_table = _tabulate_windows if options.mode == "frame" else _tabulate
        write_table(make_table(files, encoder), options.out)
    return SOME_FAILED if failures else 0


def _refuse_without_suffix(out: str) -> None:
    if not os.path.splitext(out)[1]:
        raise ValueError(
            f"--out {out!r} must end in .csv, .tsv, .parquet or .npz, or in a slash for a folder "
            f"of Parquet files: {out}/"
        )


def _find(options: Namespace) -> Found:
    """The files of the paths and of the table."""
    if not options.paths and not options.files:
        raise ValueError("there are no files to embed: name some, or a table of them by --files")
    named = read_file_names(options.files) if options.files else []
    found = find_files(options.paths, on_error=options.on_error)
    return Found([*found, *named], found.unread, found.stamps)


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
