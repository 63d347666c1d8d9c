"""Search an index by text, by sounds or by images."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import nullcontext

import skw2c

from ._options import add_machine, add_text, index_parameters, positive
from ._partial_folder import resumable
from ._tables import check_output, write_table

HELP = "find sounds by text, sounds or images"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("index", metavar="INDEX", help="folder of the index")
    parser.add_argument("query", metavar="QUERY", nargs="+", help="text, or file names")
    parser.add_argument(
        "--by", choices=["text", "audio", "image"], default="text", help="what the queries are"
    )
    parser.add_argument("-k", type=positive, default=10, help="results per query (default: 10)")
    parser.add_argument(
        "--folder",
        metavar="FOLDER",
        action="append",
        help="only sounds in this folder and those below it; may be given several times",
    )
    parser.add_argument(
        "--shortest", metavar="SECONDS", type=float, help="only sounds of at least this duration"
    )
    parser.add_argument(
        "--longest", metavar="SECONDS", type=float, help="only sounds of at most this duration"
    )
    parser.add_argument("--root", metavar="FOLDER", help="where the sounds were moved to")
    parser.add_argument("--out", metavar="FILE", help="table to write (default: the terminal)")
    parser.add_argument(
        "--weights", metavar="FILE", help="for --by audio: the weights, where they were moved"
    )
    add_text(parser)
    add_machine(parser)


def run(options: Namespace) -> int:
    """Search; return the exit status."""
    check_output(options.out)
    parameters = index_parameters(options)
    index = skw2c.AudioIndex.load(options.index, root=options.root, **parameters)
    if options.weights:
        moved = index.encoder.set_params(weights=options.weights)
        index = skw2c.AudioIndex.load(options.index, root=options.root, encoder=moved, **parameters)
    with resumable(options.out) if options.out else nullcontext():
        found = index.search(options.query, by=options.by, k=options.k, where=_conditions(options))
        write_table(found, options.out)
    return 0


def _conditions(options: Namespace) -> dict | None:
    """Which sounds to look among; None: all."""
    where = {}
    if options.folder:
        where["folder"] = options.folder
    if options.shortest is not None or options.longest is not None:
        where["duration"] = options.shortest, options.longest
    return where or None
