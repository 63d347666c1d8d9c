"""Index sound files, so that `skw2c search` finds them.

The index is made, or files that are not in it yet are added, by their absolute names. A run
that is interrupted goes on where it was when the same command is given again.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

import skw2c

from ._failures import SOME_FAILED, listed_failures
from ._files import find_files
from ._options import add_encoder, add_paths, make_encoder
from ._resume import resumable

HELP = "build a searchable index of sound files, or add to one"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("index", metavar="INDEX", help="folder of the index")
    add_paths(parser)
    parser.add_argument(
        "--method",
        choices=["auto", "exact", "faiss"],
        default="auto",
        help="how it is searched (default: by its size)",
    )
    add_encoder(parser)


def run(options: Namespace) -> int:
    """Build the index or add to it; return the exit status."""
    if os.path.lexists(options.index) and not os.path.isdir(options.index):
        raise NotADirectoryError(f"{options.index!r} is a file, and an index is a folder")
    # Another run may start elsewhere, and mean another file by the same relative name.
    files = [os.path.abspath(file) for file in find_files(options.paths)]
    with resumable(options.index) as memory, listed_failures() as failures:
        index = _open(options, memory)
        known = set() if index is None else set(index.items_)
        new = [file for file in files if file not in known]
        if index is None:
            index = skw2c.AudioIndex(
                make_encoder(options, memory),
                mode=options.mode,
                tail=options.tail or "pad",
                method=options.method,
            ).fit(new)
        elif new:
            index.add(new)
        if new:
            index.save(options.index)
        print(
            f"skw2c: {len(index) - len(known)} files added to {len(known)} in {options.index}",
            file=sys.stderr,
        )
    return SOME_FAILED if failures else 0


def _open(options: Namespace, memory: str):
    """The index that is there already, or None."""
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
            f"the index {options.index!r} was made with --mode {index.mode}, which is for good"
        )
    return index
