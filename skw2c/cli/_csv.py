"""Tables as text: names that no spreadsheet computes, and numbers that come back as they were."""

from __future__ import annotations

import codecs
import csv
import io
import os
import sys
from contextlib import suppress
from itertools import takewhile
from typing import BinaryIO

from ..system._spreadsheets import disarm_table

FORMULAS = """\
In text tables (CSV, TSV, the terminal) a label or query that begins with = + - or @, which
spreadsheets would compute, has an apostrophe before it, and the name of such a file ./
"""
_PATHS = {"file"}
_AS_BYTES = "skw2c: bytes, else escapes"


def write_csv(table, file: BinaryIO, separator: str) -> None:
    """Write a table as text in UTF-8; what is no text in names of files, as it is on the disk.

    Parameters
    ----------
    table : DataFrame
        Vectors are the columns of dtype float32, and stand last.
    file : binary file
        Open for writing.
    separator : str
    """
    text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
    split = table.shape[1] - _count_vectors(table)
    safe = disarm_table(table.iloc[:, :split], _PATHS)
    if split == table.shape[1]:
        safe.to_csv(text, sep=separator, index=False, lineterminator="\n")
    else:
        headings = [*safe.columns, *disarm_table(table.iloc[:0, split:]).columns]
        csv.writer(text, delimiter=separator, lineterminator="\n").writerow(headings)
        _write_vectors(safe, table.iloc[:, split:].to_numpy(), text, separator)
    text.detach()


def _count_vectors(table) -> int:
    """Number of columns at the end of a table that are of dtype float32."""
    return sum(1 for _ in takewhile(lambda kind: kind == "float32", table.dtypes[::-1]))


def _write_vectors(safe, vectors, text: io.TextIOBase, separator: str) -> None:
    """Write rows of names and numbers, several times as fast as pandas writes them.

    Nine digits are enough for every number of single precision.
    """
    import numpy as np

    pattern = separator.join(["%.9g"] * vectors.shape[1])
    missing = np.isnan(vectors).any(axis=1)
    names = csv.writer(text, delimiter=separator, lineterminator=separator)
    for row, cells in enumerate(safe.to_numpy(dtype=object, na_value="")):
        names.writerow(cells)
        line = pattern % tuple(vectors[row].tolist())
        text.write(_without_nan(line, separator) if missing[row] else line)
        text.write("\n")


def _without_nan(line: str, separator: str) -> str:
    return separator.join("" if cell == "nan" else cell for cell in line.split(separator))


def print_csv(table) -> None:
    """Print a table, separated by tabs, in whatever encoding the terminal has."""
    if sys.stdout is None:
        return
    text = disarm_table(table, _PATHS).to_csv(
        sep="\t", index=False, float_format="%.4f", lineterminator="\n"
    )
    codecs.register_error(_AS_BYTES, _as_bytes)
    before = getattr(sys.stdout, "errors", None)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors=_AS_BYTES)
    try:
        _emit(text)
    finally:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors=before)


def _as_bytes(error: UnicodeError) -> tuple[bytes, int]:
    """Encode a byte of a name that is no text as it is, and what the encoding lacks as \\xe9."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    encoded = [
        letter.encode("ascii", "surrogateescape")
        if "\udc80" <= letter <= "\udcff"
        else letter.encode("ascii", "backslashreplace")
        for letter in letters
    ]
    return b"".join(encoded), error.end


def flush_output() -> None:
    """Write out what was printed.

    Raises
    ------
    OSError
        As `_emit`.
    """
    if sys.stdout is not None:
        _emit("")


def _emit(text: str) -> None:
    """Print a text; who reads it may have seen enough, as ``head`` does.

    Raises
    ------
    OSError
        If it cannot be written for another reason, such as a full disk.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _close_output()
    except OSError:
        _close_output()
        raise


def _close_output() -> None:
    """Lead what is still to be written to nowhere, so that it fails but once."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
