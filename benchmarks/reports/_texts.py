"""Text as every page, image and table can hold it."""

import re

import numpy as np
import pandas as pd

# XML has no place for control characters, no encoding one for halves of a pair of surrogates,
# which stand for the bytes of names that are not UTF-8.
_UNWRITABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def make_writable(text):
    """Spell out what cannot be written: ``<01>`` for a control character, ``<E9>`` for a byte.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> make_writable("a\\x01b"), make_writable("caf\\udce9"), make_writable("café")
    ('a<01>b', 'caf<E9>', 'café')
    """
    return _UNWRITABLE.sub(_spell, text.replace("\r\n", "\n"))


def _spell(match):
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"<{code - 0xDC00:02X}>"
    return f"<{code:02X}>" if code < 0x80 else f"<U+{code:04X}>"


def as_plain(value):
    """Lists, numbers and writable text, as cells have them that were read from disk."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, str):
        return make_writable(value)
    if isinstance(value, dict):
        return {as_plain(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(as_plain(item) for item in value)
    if isinstance(value, pd.DataFrame):
        return _make_table_plain(value)
    return value


def _make_table_plain(table):
    plain = table.copy(deep=False)
    for place, kind in enumerate(table.dtypes):
        if kind.kind not in "biufcmM":
            cells = [as_plain(cell) for cell in table.iloc[:, place]]
            plain.isetitem(place, pd.Series(cells, index=table.index, dtype=object))
    plain.columns = [as_plain(name) for name in table.columns]
    return plain
