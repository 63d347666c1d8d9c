"""Draw a map of an index: one HTML file in which its sounds can be seen and heard.

The file needs no network and no other file. Similar sounds lie near each other; short previews of
many of them are inside. The size is printed before it is written.
"""

from __future__ import annotations

import os
import warnings
from argparse import ArgumentParser, ArgumentTypeError, Namespace

import skw2c

from ._option_names import name_options
from ._options import add_machine, add_text, index_parameters
from ._stderr import print_message
from ._tables import check_output

HELP = "draw a map of an index, to see and hear in one HTML file"

_SHOWN = 10


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("index", metavar="LIBRARY", help="folder of the index")
    parser.add_argument("--out", metavar="FILE.html", required=True, help="file to write")
    parser.add_argument(
        "--method",
        choices=["auto", "umap", "pca"],
        default="auto",
        help="what lays the sounds out (default: umap where it is installed, else pca)",
    )
    parser.add_argument(
        "--clips",
        type=_whole,
        default=1000,
        metavar="N",
        help="how many sounds get a preview at most, spread over the map (default: 1000)",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=3.0,
        metavar="SECONDS",
        help="longest duration of a preview (default: 3)",
    )
    parser.add_argument(
        "--limit",
        type=float,
        default=25.0,
        metavar="MB",
        help="largest size of the file in megabytes (default: 25)",
    )
    parser.add_argument("--labels", metavar="A,B,C", help="colour by the nearest of these words")
    parser.add_argument(
        "--table",
        metavar="FILE",
        help="colour by the columns of a CSV or TSV file, of which the first names the sounds",
    )
    parser.add_argument("--root", metavar="FOLDER", help="where the sounds were moved to")
    add_text(parser)
    add_machine(parser)


def run(options: Namespace) -> int:
    """Draw the map; return the exit status."""
    check_output(options.out, (".html", ".htm"))
    index = skw2c.AudioIndex.load(
        options.index,
        root=options.root,
        verbose=not options.quiet,
        **index_parameters(options),
    )
    if not options.quiet:
        print_message(f"laying out {_count(len(index), 'sound')}")
    drawn = index.map(
        method=options.method,
        labels=_words(options.labels),
        table=options.table,
        clips=options.clips,
        seconds=options.seconds,
        limit=options.limit,
    )
    print_message(f"{options.out} will have about {_size(drawn.estimated_size)}: {_content(drawn)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each failure is listed below
        drawn.save(options.out)
    _list_failures(index.items_, drawn.failures)
    print_message(f"{options.out} has {_size(os.path.getsize(options.out))}: {_content(drawn)}")
    return 0


def _words(text: str | None) -> list[str] | None:
    if text is None:
        return None
    return [word.strip() for word in text.split(",") if word.strip()]


def _content(drawn) -> str:
    return (
        f"{_count(drawn.n_clips, 'sound')} laid out by {drawn.method.upper()}, "
        f"{_count(drawn.n_previews, 'preview')}"
    )


def _list_failures(items: list, failures: dict[int, str]) -> None:
    for number, cause in list(failures.items())[:_SHOWN]:
        print_message(f"{items[number]}: {name_options(cause)}")
    if len(failures) > _SHOWN:
        print_message(f"and {len(failures) - _SHOWN:,} others")
    if failures:
        print_message(f"{_count(len(failures), 'sound')} without a preview for this reason")


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB"


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def _whole(text: str) -> int:
    """Read a whole number of at least 0."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"got {text!r}, expected a whole number of at least 0")
    return int(text)
