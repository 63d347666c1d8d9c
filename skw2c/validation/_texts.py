"""The door by which texts come in."""

from __future__ import annotations

import numpy as np

from ..exceptions import TextError


def list_texts(X) -> list:
    """List the texts in X.

    Texts are strings in a list, a tuple, a Series, a one-dimensional array, or a single
    column of a DataFrame or two-dimensional array. Items that are no strings are kept,
    for `check_text` to judge one by one.

    Raises
    ------
    TypeError
        If X is a single text, or no collection of texts.
    ValueError
        If X is empty, or has several columns.
    """
    if isinstance(X, (str, bytes)):
        raise TypeError(f"X is the single text {X!r}, and X is a collection: pass a list, [{X!r}]")
    items = _single_column(X)
    if len(items) == 0:
        raise ValueError("X is empty: there is no text in it")
    return items


def _single_column(X) -> list:
    shape = getattr(X, "shape", None)
    if isinstance(X, (list, tuple)):
        return list(X)
    if shape is None or len(shape) not in (1, 2):
        raise TypeError(f"X is a {type(X).__name__}, and texts come in a list, array or Series")
    if len(shape) == 1:
        return list(X)
    if shape[1] != 1:
        raise ValueError(
            f"X is a table of {shape[1]} columns, and one column holds the texts: select it, for "
            "example with X['caption'] or ColumnTransformer"
        )
    return list(X[X.columns[0]] if hasattr(X, "columns") else np.asarray(X)[:, 0])


def check_text(item) -> str:
    """Return the text; raise `TextError` for what is none."""
    if not isinstance(item, str):
        raise TextError(f"it is {item!r} of type {type(item).__name__}, and a text is a string")
    try:
        item.encode()
    except UnicodeEncodeError as exc:
        raise TextError(f"it is {item!r}, which is no valid text ({exc.reason})") from exc
    return str(item)


def check_captions(captions) -> list[str]:
    """List captions, all of which must be texts.

    Raises
    ------
    TextError
        If one is none; the message names its row.
    TypeError, ValueError
        As `list_texts`.
    """
    texts = list_texts(captions)
    for row, text in enumerate(texts):
        try:
            check_text(text)
        except TextError as exc:
            raise TextError(f"The caption of row {row}: {exc}") from exc
    return texts
