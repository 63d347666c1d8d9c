"""Index sound files, so that `skw2c search` finds them.

The first run builds the index. Later runs bring it up to date: new and changed files are embedded,
moved and renamed files get their new names, and missing files are removed. Files are identified by
their content, and named by their absolute paths. To resume an interrupted run, give the same
command again.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

import skw2c

from ._failures import SOME_FAILED, listed_failures
from ._file_search import find_files
from ._options import add_encoder, add_paths, make_encoder
from ._partial_folder import resumable
from ._stderr import print_message

HELP = "build a searchable index of sound files, or bring one up to date"

_OUTCOMES = {
    "changed": "changed and embedded again",
    "moved": "moved",
    "missing": "missing and removed",
    "unchanged": "unchanged",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("index", metavar="INDEX", help="folder of the index")
    add_paths(parser)
    parser.add_argument(
        "--method",
        choices=["auto", "exact", "faiss"],
        default="auto",
        help="how to search (default: chosen by the size of the index)",
    )
    parser.add_argument(
        "--keep-missing",
        action="store_true",
        help="keep missing files in the index, for example those on a drive that is not mounted",
    )
    add_encoder(parser)


def run(options: Namespace) -> int:
    """Build the index or update it; return the exit status."""
    if os.path.lexists(options.index) and not os.path.isdir(options.index):
        raise NotADirectoryError(f"{options.index!r} is a file, expected the folder of an index")
    # Absolute, because another run may start in another folder.
    found = find_files(options.paths, on_error=options.on_error)
    files = [os.path.abspath(file) for file in found]
    with resumable(options.index) as memory, listed_failures(found.unread) as failures:
        index, before = _open(options, memory), 0
        if index is None:
            index = skw2c.AudioIndex(
                make_encoder(options, memory),
                mode=options.mode,
                tail=options.tail or "pad",
                method=options.method,
            ).fit(files)
            counts = {"added": len(index)}
        else:
            before = len(index)
            # Files in a folder that cannot be read at the moment are not missing.
            keep = options.keep_missing or found.unread
            report = index.update(files, missing="keep" if keep else "remove")
            counts = {kind: len(names) for kind, names in report.items()}
        index.save(options.index)
        also = "".join(
            f", {counts[kind]} {outcome}" for kind, outcome in _OUTCOMES.items() if counts.get(kind)
        )
        print_message(f"{counts['added']} files added to {before} in {options.index}{also}")
    return SOME_FAILED if failures else 0


def _open(options: Namespace, memory: str):
    """Load the index if there is one, else return None."""
    if not os.path.exists(os.path.join(options.index, "index.json")):
        return None
    index = skw2c.AudioIndex.load(
        options.index,
        encoder=make_encoder(options, memory),
        on_error=options.on_error,
        method=options.method,
        **({} if options.tail is None else {"tail": options.tail}),
    )
    if index.mode != options.mode:
        raise ValueError(
            f"the index {options.index!r} was built with --mode {index.mode}: pass that mode, or "
            "build a new index"
        )
    return index
