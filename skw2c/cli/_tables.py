"""Tables on disk: CSV, Parquet and npz, written atomically."""

from __future__ import annotations

import os
import zipfile

from ..system._atomic import check_place, open_atomically
from ..system._optional import import_optional
from ..system._text_file import read_text
from ._csv import print_csv, write_csv

_FORMATS = (".csv", ".tsv", ".parquet", ".npz")


def check_output(path: str | None, formats: tuple[str, ...] = _FORMATS) -> None:
    """Refuse, before any work is done, an output that could not be written.

    Raises
    ------
    ValueError
        If the suffix is unknown.
    OSError
        If the folder does not exist or cannot be written to.
    """
    if path is None:
        return
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in formats:
        raise ValueError(f"--out {path!r} must end in {', '.join(formats[:-1])} or {formats[-1]}")
    if os.path.isdir(path):
        raise IsADirectoryError(f"--out {path!r} is a folder, expected a file")
    folder = os.path.dirname(os.path.abspath(check_place(path)))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"the folder {folder!r} of --out does not exist")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"the folder {folder!r} of --out cannot be written to")
    if suffix == ".parquet":
        _import_parquet()


def write_table(table, path: str | None) -> None:
    """Write a table in the format of its suffix; without a path, print it separated by tabs."""
    if path is None:
        print_csv(table)
        return
    suffix = os.path.splitext(path)[1].lower()
    with open_atomically(path) as file:
        if suffix == ".parquet":
            _in_unicode(table).to_parquet(file, index=False)
        elif suffix == ".npz":
            _write_arrays(_in_unicode(table), file)
        else:
            write_csv(table, file, "\t" if suffix == ".tsv" else ",")


def _in_unicode(table):
    """Escape bytes in file names that are not valid text, as \\xe9."""
    table = table.copy(deep=False)
    for place, kind in enumerate(table.dtypes):
        if kind.kind not in "biuf":
            table.isetitem(place, [_as_text(value) for value in table.iloc[:, place]])
    table.columns = [_as_text(name) for name in table.columns]
    return table


def _as_text(value):
    if not isinstance(value, str):
        return value
    return value.encode(errors="surrogateescape").decode(errors="backslashreplace")


def read_vectors(path: str):
    """Read a table of label vectors, one row per label, as a DataFrame.

    Labels are strings, even if they look like numbers.

    Raises
    ------
    ValueError
        If the file is not such a table, or contains a label twice.
    """
    try:
        table = _read_vectors(path, os.path.splitext(path)[1].lower())
        table = table.astype(float)
    except (ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile) as exc:
        raise ValueError(f"{path!r} is not a table of label vectors ({exc})") from exc
    table.index = table.index.map(str)
    twice = table.index[table.index.duplicated()]
    if len(twice):
        raise ValueError(f"{path!r} has two rows for the label {twice[0]!r}: remove one")
    return table


def _read_vectors(path: str, suffix: str):
    import io

    import numpy as np
    import pandas as pd

    if suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return pd.DataFrame(arrays["vectors"], index=arrays["names"].astype(str))
    if suffix == ".parquet":
        _import_parquet()
        table = pd.read_parquet(path)
        # pandas restores the index of a DataFrame that was written with one.
        by_number = isinstance(table.index, pd.RangeIndex)
        return table.set_index(table.columns[0]) if by_number else table
    # All as strings: pandas would read the label 007 as 7, and NA as missing.
    separator = "\t" if suffix == ".tsv" else ","
    text = io.StringIO(read_text(path))
    table = pd.read_csv(text, sep=separator, dtype=str, keep_default_na=False)
    return table.set_index(table.columns[0])


def _write_arrays(table, file) -> None:
    """Write columns as arrays, those of the vectors as one matrix, without pickles."""
    import numpy as np

    of_vectors = [name for name in table.columns if table[name].dtype == np.float32]
    arrays = {}
    if of_vectors:
        arrays["vectors"] = table[of_vectors].to_numpy()
        arrays["feature_names"] = np.array(of_vectors, dtype=str)
    for name in table.columns.difference(of_vectors, sort=False):
        values = table[name].to_numpy()
        # "file" is the name of a parameter of `np.savez`.
        key = "files" if name == "file" else name
        arrays[key] = values if values.dtype.kind in "biuf" else values.astype(str)
    np.savez(file, **arrays)


def _import_parquet() -> None:
    import_optional("pyarrow", extra="parquet", purpose="Parquet")
