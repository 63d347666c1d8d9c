"""Embed sound files as a folder of Parquet files."""

from __future__ import annotations

import os
import warnings
from argparse import ArgumentParser, Namespace

import skw2c

from ..exceptions import FailedFileWarning
from ..files import Found
from ._failures import SOME_FAILED, listed_failures
from ._options import add_dask, make_encoder, part_of_work
from ._stderr import print_message

_SHOWN = 20
_ONLY_HERE = {
    "dask": None,
    "part": (1, 1),
    "retry_failed": False,
    "remove_missing": False,
}


def add_corpus(parser: ArgumentParser) -> None:
    """Add the options of a folder of vectors."""
    group = parser.add_argument_group("for --out FOLDER/")
    add_dask(group)
    group.add_argument(
        "--part",
        type=part_of_work,
        default=(1, 1),
        metavar="K/N",
        help="do only share K of N, so that N processes or machines divide the work",
    )
    group.add_argument(
        "--retry-failed",
        action="store_true",
        help="try files again that failed before and have not changed",
    )
    group.add_argument(
        "--remove-missing",
        action="store_true",
        help="remove the rows of files that do not exist any more",
    )


def is_folder(out: str) -> bool:
    """Whether the output is a folder of vectors, not a table."""
    return out.endswith(("/", os.sep)) or os.path.isdir(os.path.join(out, "_corpus"))


def refuse_corpus_options(options: Namespace) -> None:
    """Refuse options that only apply to a folder of vectors."""
    for name, default in _ONLY_HERE.items():
        if getattr(options, name) != default:
            option = f"--{name.replace('_', '-')}"
            raise ValueError(f"{option} only works with a folder, --out {options.out}/")


def write_corpus(options: Namespace, files: Found) -> int:
    """Embed the files into a folder; return the exit status."""
    with listed_failures(files.unread) as failures, warnings.catch_warnings():
        warnings.simplefilter("ignore", FailedFileWarning)  # its failures are listed below
        try:
            result = skw2c.embed_corpus(
                files,
                options.out,
                make_encoder(options, None),
                options.dask,
                part=options.part,
                missing="remove" if options.remove_missing else "keep",
                retry_failed=options.retry_failed,
                on_error=options.on_error,
                verbose=not options.quiet,
            )
        except KeyboardInterrupt:
            print_message(
                f"finished parts are kept in {options.out}; to resume, give the same command again"
            )
            raise
    _report(options.out, result)
    return SOME_FAILED if failures or result.failures else 0


def _report(out: str, result) -> None:
    for _, file, cause in result.failures[:_SHOWN]:
        print_message(f"{file}: {cause}")
    more = len(result.failures) - _SHOWN
    if more > 0:
        print_message(f"and {more} more, which are listed in {result.failures_file}")
    speed = ""
    if result.n_embedded:
        speed = (
            f"; per second: {result.n_embedded / result.elapsed:.1f} files, "
            f"{result.seconds / result.elapsed:.0f} seconds of sound"
        )
    print_message(
        f"{out}: files in all: {result.n_files}, embedded now: {result.n_embedded}, "
        f"failed: {len(result.failures)}{speed}"
    )
