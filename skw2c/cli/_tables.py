"""Tables on disk: CSV, Parquet and npz, written whole or not at all."""

from __future__ import annotations

import os
import sys
import zipfile

from .._atomic import check_place, open_atomically
from .._optional import import_optional

_FORMATS = (".csv", ".tsv", ".parquet", ".npz")


def check_output(path: str | None, formats: tuple[str, ...] = _FORMATS) -> None:
    """Refuse a file that could not be written, before any work is done.

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
        raise IsADirectoryError(f"--out {path!r} is a folder, and a file is to be written")
    folder = os.path.dirname(os.path.abspath(check_place(path)))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"the folder {folder!r} of --out does not exist")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"the folder {folder!r} of --out cannot be written to")
    if suffix == ".parquet":
        _import_parquet()


def write_table(table, path: str | None) -> None:
    """Write a table in the format that the suffix says; tab-separated to the terminal."""
    if path is None:
        _print_table(table)
        return
    suffix = os.path.splitext(path)[1].lower()
    with open_atomically(path) as file:
        if suffix == ".parquet":
            _in_unicode(table).to_parquet(file, index=False)
        elif suffix == ".npz":
            _write_arrays(_in_unicode(table), file)
        else:
            separator = "\t" if suffix == ".tsv" else ","
            table.to_csv(file, sep=separator, index=False, errors="surrogateescape")


def _print_table(table) -> None:
    if sys.stdout is None:
        return
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="surrogateescape")
    table.to_csv(sys.stdout, sep="\t", index=False, float_format="%.4f")


def _in_unicode(table):
    """Names of files that are no valid text, with their odd bytes written as \\xe9."""
    table = table.copy(deep=False)
    for name in {"file", "item", "query"} & set(table.columns):
        table[name] = [
            value.encode(errors="surrogateescape").decode(errors="backslashreplace")
            if isinstance(value, str)
            else value
            for value in table[name]
        ]
    return table


def read_vectors(path: str):
    """Read a table of label vectors, one row per label, as a DataFrame.

    Raises
    ------
    ValueError
        If the file is no such table.
    """
    import numpy as np
    import pandas as pd

    suffix = os.path.splitext(path)[1].lower()
    try:
        if suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return pd.DataFrame(arrays["vectors"], index=arrays["names"].astype(str))
        if suffix == ".parquet":
            _import_parquet()
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(path, sep="\t" if suffix == ".tsv" else ",", keep_default_na=False)
        return table.set_index(table.columns[0]).astype(float)
    except (ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile) as exc:
        raise ValueError(f"{path!r} is no table of label vectors ({exc})") from exc


def _write_arrays(table, file) -> None:
    """Write columns as arrays, those of the vectors as one matrix; nothing of it is pickled."""
    import numpy as np

    of_vectors = [name for name in table.columns if table[name].dtype == np.float32]
    arrays = {}
    if of_vectors:
        arrays["vectors"] = table[of_vectors].to_numpy()
        arrays["feature_names"] = np.array(of_vectors, dtype=str)
    for name in table.columns.difference(of_vectors, sort=False):
        values = table[name].to_numpy()
        # `np.savez` keeps the name "file" for itself.
        key = "files" if name == "file" else name
        arrays[key] = values if values.dtype.kind in "biuf" else values.astype(str)
    np.savez(file, **arrays)


def _import_parquet() -> None:
    import_optional("pyarrow", extra="parquet", purpose="Parquet")
