"""A column of a table of the user that names files."""

from __future__ import annotations

import io
import os

from ..system._optional import import_optional
from ..system._text_file import read_text

_FORMATS = (".csv", ".tsv", ".parquet")
_USUAL = "file"


def read_file_names(option: str) -> list[str]:
    """Read the names of files from ``TABLE:COLUMN``; of ``TABLE`` alone it is the column file.

    Raises
    ------
    ValueError
        If there is no such column, or a row of it is empty.
    OSError
        If the table cannot be read.
    """
    path, column = _split(option)
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in _FORMATS:
        raise ValueError(
            f"--files {option!r} must be a table that ends in {', '.join(_FORMATS[:-1])} or "
            f"{_FORMATS[-1]}, with the name of its column as in {option.partition(':')[0]}:file"
        )
    names = _read_parquet(path, column) if suffix == ".parquet" else _read_text(path, column)
    for row, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise ValueError(f"--files {path!r} has no name of a file in row {row} of {column!r}")
    if not names:
        raise ValueError(f"--files {path!r} has no rows")
    return names


def _split(option: str) -> tuple[str, str]:
    if os.path.exists(option):
        return option, _USUAL
    path, colon, column = option.rpartition(":")
    return (path, column) if colon and column else (option, _USUAL)


def _read_text(path: str, column: str) -> list:
    import pandas as pd

    separator = "\t" if path.lower().endswith(".tsv") else ","
    text = io.StringIO(read_text(path))
    # All as strings: pandas would read the name NA as missing, and 007 as 7.
    table = pd.read_csv(text, sep=separator, dtype=str, keep_default_na=False)
    _check_column(path, column, list(table.columns))
    return table[column].tolist()


def _read_parquet(path: str, column: str) -> list:
    import_optional("pyarrow", extra="parquet", purpose="Parquet")
    import pyarrow.parquet as pq

    if not os.path.exists(path):
        raise FileNotFoundError(f"the table {path!r} of --files does not exist")
    with pq.ParquetFile(path) as file:
        _check_column(path, column, file.schema_arrow.names)
        return file.read([column])[column].to_pylist()


def _check_column(path: str, column: str, columns: list[str]) -> None:
    if column not in columns:
        raise ValueError(
            f"--files {path!r} has no column {column!r}, but {', '.join(map(repr, columns))}: "
            f"name one, as in {path}:{columns[0] if columns else _USUAL}"
        )
