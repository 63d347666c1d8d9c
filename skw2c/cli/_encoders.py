"""List the encoders of sound that --encoder knows, with what helps to choose one.

Rate is that of the waveforms which the network takes, in Hz; any file is resampled to it. Numbers
is the length of a vector. Encoders with words classify and find sounds by your words; those with
images also compare sounds with images. Those of other packages are listed, too.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

HELP = "list the encoders of sound there are"

_UNKNOWN = "-"
_FLAGS = ("words", "images")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--with-words", action="store_true", help="only those that have words")


def run(options: Namespace) -> int:
    """Print the table; return the exit status."""
    from ..transformers._encoder_table import COLUMNS, list_encoders

    rows = [row for row in list_encoders() if row["words"] or not options.with_words]
    cells = [[_write(name, row[name]) for name in COLUMNS] for row in rows]
    lines = [list(COLUMNS), *sorted(cells)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(map(str.ljust, line, widths)).rstrip())
    return 0


def _write(name: str, value) -> str:
    if value is None:
        return _UNKNOWN
    if name == "parameters":
        return f"{value / 1e6:.1f} M"
    if name in _FLAGS:
        return "yes" if value else _UNKNOWN
    return str(value)
