"""A column of a table of the user that names files."""

from __future__ import annotations

import codecs
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
    try:
        text = read_text(path)
    except ValueError as exc:
        return _read_odd(path, column, exc)
    table = _parse(path, text)
    _check_column(path, column, list(table.columns))
    return table[column].tolist()


def _parse(path: str, text: str):
    import pandas as pd

    # All as strings: pandas would read the name NA as missing, and 007 as 7. As objects: its own
    # kind of strings cannot hold bytes that are not text.
    return pd.read_csv(
        io.StringIO(text),
        sep="\t" if path.lower().endswith(".tsv") else ",",
        dtype=object,
        keep_default_na=False,
        encoding_errors="surrogateescape",
    )


def _read_odd(path: str, column: str, exc: ValueError) -> list:
    """Read names that are not UTF-8 as `skw2c embed` writes them: their bytes stay as they are.

    Whether they are the names of files tells if the table was written so, or has another encoding.

    Raises
    ------
    ValueError
        If there are no such names, or no such files.
    """
    with open(path, "rb") as file:
        content = file.read()
    if b"\0" in content or content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise exc
    try:
        table = _parse(path, content.decode("utf-8-sig", errors="surrogateescape"))
    except UnicodeEncodeError:  # of a heading
        raise exc from None
    if column.isascii():  # else it may be there in the other encoding
        _check_column(path, column, list(table.columns))
    names = table[column].tolist() if column in table else []
    odd = [name for name in names if isinstance(name, str) and not _is_text(name)]
    if not odd:
        raise exc
    if not any(map(os.path.lexists, odd)):
        raise ValueError(
            f"{exc}. If the names of files in it are as skw2c embed wrote them, leave it as it is, "
            f"and run the command where they are: there is no file {odd[0]!r} here"
        ) from exc
    return names


def _is_text(name: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


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
