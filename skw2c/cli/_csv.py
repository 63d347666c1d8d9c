"""Tables as text: safe to open in spreadsheets, with numbers that can be read back exactly."""

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
In text tables (CSV, TSV, the terminal), a spreadsheet would take text that begins with = + - or @
for a formula: such labels and queries get a leading apostrophe, and such file names a leading ./
"""
_PATHS = {"file"}
_AS_BYTES = "skw2c: bytes, else escapes"


def write_csv(table, file: BinaryIO, separator: str) -> None:
    """Write a table as text in UTF-8; bytes in file names that are not UTF-8 stay as they are.

    Parameters
    ----------
    table : DataFrame
        Columns of dtype float32 are vectors, and come last.
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
    """Count the columns of dtype float32 at the end of a table."""
    return sum(1 for _ in takewhile(lambda kind: kind == "float32", table.dtypes[::-1]))


def _write_vectors(safe, vectors, text: io.TextIOBase, separator: str) -> None:
    """Write rows of names and numbers, several times as fast as pandas.

    Nine significant digits are enough to restore every float32 exactly.
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
    """Print a table separated by tabs, in the encoding of the terminal."""
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
    """Keep bytes of file names that are not text, and escape what the encoding lacks, as \\xe9."""
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
    """Flush what was printed.

    Raises
    ------
    OSError
        As `_emit`.
    """
    if sys.stdout is not None:
        _emit("")


def _emit(text: str) -> None:
    """Print a text; a reader that stops early, such as ``head``, is not an error.

    Raises
    ------
    OSError
        If it cannot be written for any other reason, such as a full disk.
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
    """Discard what is still buffered, so that it does not fail again at exit."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
