"""The texts of X."""

from __future__ import annotations

from ..exceptions import TextError
from ._collections import ItemKind, list_items, refuse_single

_TEXTS = ItemKind("text", "texts", "a text is a string", column="caption", are_files=False)


def list_texts(X) -> list:
    """List the texts in X.

    Texts are strings in a list, a tuple or another collection that has an order, a Series, a
    column of pyarrow, a one-dimensional array, or a single column of a DataFrame or
    two-dimensional array. Items that are not strings are kept, for `check_text` to judge one by
    one.

    Raises
    ------
    TypeError
        If X is a single text, or no collection of texts.
    ValueError
        If X is empty, or has several columns.
    """
    if isinstance(X, (str, bytes)):
        refuse_single(X, "text", _TEXTS)
    return list_items(X, _TEXTS)


def check_text(item) -> str:
    """Return the text; raise `TextError` for what is not a text."""
    if not isinstance(item, str):
        raise TextError(f"it is {item!r} of type {type(item).__name__}, expected a string")
    try:
        item.encode()
    except UnicodeEncodeError as exc:
        raise TextError(f"it is {item!r}, which is not valid text ({exc.reason})") from exc
    return str(item)
