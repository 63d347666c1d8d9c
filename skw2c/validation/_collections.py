"""The items of an X that is a collection of clips, images, videos or texts."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from ..audio import is_mapping


@dataclass(frozen=True)
class ItemKind:
    """What X is a collection of, as messages call it.

    Attributes
    ----------
    singular, plural : str
        One item, and several.
    definition : str
        What an item is.
    column : str
        A likely name of the column that holds them.
    are_files : bool
        Whether they are files as a rule.
    """

    singular: str
    plural: str
    definition: str
    column: str = "file"
    are_files: bool = True


def list_items(X, kind: ItemKind) -> list:
    """List the items of an X that has a single column, or is one.

    Raises
    ------
    TypeError
        If X is not a collection, or has no order.
    ValueError
        If X is empty, or has several columns.
    """
    refuse_without_order(X, kind)
    items = single_column(X, kind)
    if items is None:
        _refuse_other(X, kind)
    return refuse_empty(items, kind)


def single_column(X, kind: ItemKind) -> list | None:
    """List the items of a one-dimensional X; return None where X has no such form.

    A collection that has an order, a Series, a column of pyarrow, a one-dimensional object or
    string array, or a single column of a DataFrame, pyarrow table or two-dimensional array.

    Raises
    ------
    ValueError
        If X is a table of several columns, one of which holds the items.
    """
    if isinstance(X, (list, tuple)):
        return list(X)
    if hasattr(X, "detach"):
        return None
    if hasattr(X, "column_names"):  # a table of pyarrow, a data set of Hugging Face
        return _column_of_table(X, kind)
    if hasattr(X, "to_pylist"):  # a column of pyarrow
        return X.to_pylist()
    if hasattr(X, "columns"):
        return _column_of_frame(X, kind)
    if isinstance(X, np.ndarray):
        return _column_of_array(X, kind) if X.dtype.kind in "OSUT" else None
    if len(getattr(X, "shape", ())) == 1 and hasattr(X, "dtype"):
        return list(X)
    if isinstance(X, Collection) and not hasattr(X, "shape") and not hasattr(X, "__array__"):
        return list(X)
    return None


def refuse_single(X, what: str, kind: ItemKind) -> NoReturn:
    """Refuse one item where a collection is expected."""
    shown = reprlib.repr(X)
    raise TypeError(
        f"X is the single {what} {shown}, expected a collection of {kind.plural}: pass a list, "
        f"[{shown}]"
    )


def refuse_without_order(X, kind: ItemKind) -> None:
    """Refuse what has no rows yet, what can be read only once, and what has no order."""
    name = type(X).__name__
    if hasattr(X, "collect") and not hasattr(X, "shape"):
        raise TypeError(f"X is a {name}, which has not been computed yet: pass X.collect()")
    if hasattr(X, "__next__"):
        raise TypeError(f"X is a {name}, which can be read only once: pass list(X)")
    if is_mapping(X):
        raise TypeError(
            f"X is a {name}, expected a collection of {kind.plural}: pass list(X), if its keys are "
            f"the {kind.plural}, or list(X.values())"
        )
    # The keys of a dict are a set too, and have an order.
    if isinstance(X, (set, frozenset)):
        raise TypeError(f"X is a {name}, which has no order, and rows have one: pass sorted(X)")


def refuse_empty(items: list, kind: ItemKind) -> list:
    """Return the items; raise `ValueError` if there are none."""
    if len(items) == 0:
        cure = ". If it was made by listing a folder, check the folder's name and the pattern."
        raise ValueError(f"X is empty: got no {kind.plural}{cure if kind.are_files else ''}")
    return items


def _column_of_frame(X, kind: ItemKind) -> list | None:
    if X.shape[1] == 1:
        return list(X[X.columns[0]])
    values = X.to_numpy()
    if values.dtype.kind in "OUT" and any(map(_holds_text, values.T)):
        _refuse_columns(X, list(X.columns), kind)
    return None


def _column_of_table(X, kind: ItemKind) -> list | None:
    names = list(X.column_names)
    if len(names) != 1:
        _refuse_columns(X, names, kind)
    return single_column(X[names[0]], kind)


def _column_of_array(X: np.ndarray, kind: ItemKind) -> list | None:
    if X.dtype.kind == "S":
        raise ValueError(
            f"X is an array of bytes, {X.dtype}: texts and names of files are strings, "
            "numpy.char.decode(X); the contents of files come in a list, as numpy cuts zeros off "
            "their ends"
        )
    if X.ndim == 1:
        return list(X)
    if X.ndim == 2 and X.shape[1] == 1:
        return list(X[:, 0])
    if any(map(_holds_text, X.T)):
        raise ValueError(
            f"X is an array of text of shape {X.shape}, and one column holds the {kind.plural}: "
            "select it, for example with X[:, 0]"
        )
    return None


def _holds_text(values) -> bool:
    """Whether a column holds strings or paths, as far as its first values tell."""
    return any(isinstance(value, (str, os.PathLike)) for value in values[:100])


def _refuse_columns(X, names: list, kind: ItemKind) -> NoReturn:
    raise ValueError(
        f"X is a {type(X).__name__} with the columns {reprlib.repr(names)}: select the one that "
        f"holds the {kind.plural}, for example with X[{kind.column!r}], or with ColumnTransformer"
    )


def _refuse_other(X, kind: ItemKind) -> NoReturn:
    """Refuse what is not a column: a table of numbers, or not a collection at all."""
    shape = getattr(X, "shape", None)
    if not isinstance(shape, tuple) or len(shape) == 0:
        raise TypeError(
            f"X is {reprlib.repr(X)} of type {type(X).__name__}, expected a collection of "
            f"{kind.plural}, such as a list, array or Series: {kind.definition}"
        )
    raise ValueError(
        f"X is a {type(X).__name__} of shape {shape}, expected one column of {kind.plural}: "
        f"{kind.definition}. If one of its columns holds them, select it"
    )
