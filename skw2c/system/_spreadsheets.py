"""Text in CSV that no spreadsheet takes for a formula."""

from __future__ import annotations

import re
from collections.abc import Collection

# What a cell begins with that spreadsheets compute, also in full width, also after blanks.
_FORMULA = re.compile(r"['\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]|'*[\t\r\n]")


def disarm(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would compute; `rearm` takes it away.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> from skw2c.system._spreadsheets import disarm, rearm
    >>> disarm('=HYPERLINK("http://example.org")'), disarm("rain"), disarm("it's")
    ('\\'=HYPERLINK("http://example.org")', 'rain', "it's")
    >>> [rearm(disarm(text)) for text in ("=1+1", "'=1+1", "''-", "'tis")]
    ['=1+1', "'=1+1", "''-", "'tis"]
    """
    return f"'{text}" if _FORMULA.match(text) else text


def rearm(text: str) -> str:
    """Take away the apostrophe that `disarm` put before a text.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return text[1:] if text[:1] == "'" and _FORMULA.match(text[1:]) else text


def disarm_path(name: str) -> str:
    """Put ``./`` before the name of a file that a spreadsheet would compute: the same file.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Examples
    --------
    >>> from skw2c.system._spreadsheets import disarm_path
    >>> disarm_path("-1.wav"), disarm_path("takes/-1.wav")
    ('./-1.wav', 'takes/-1.wav')
    """
    return f"./{name}" if _FORMULA.match(name) else name


def disarm_table(table, paths: Collection[str] = ()):
    """Disarm headings and texts of a DataFrame that is to be written as CSV.

    Parameters
    ----------
    table : DataFrame
    paths : collection of str
        Columns that hold names of files.

    Returns
    -------
    DataFrame
        The table itself is left as it is.
    """
    safe = table.copy(deep=False)
    for place, (heading, kind) in enumerate(zip(table.columns, table.dtypes, strict=True)):
        if kind.kind not in "biufcmM":
            change = disarm_path if heading in paths else disarm
            cells = [change(v) if isinstance(v, str) else v for v in table.iloc[:, place]]
            safe.isetitem(place, _as_column(cells, table.index))
    safe.columns = [disarm(name) if isinstance(name, str) else name for name in table.columns]
    return safe


def _as_column(cells: list, index):
    import pandas as pd

    return pd.Series(cells, index=index, dtype=object)
