"""The door by which clips come in: what X is a collection of clips, and what is a table."""

from __future__ import annotations

import math
import os
import reprlib
from collections.abc import Collection
from numbers import Number

import numpy as np

from ._items import is_clip, is_encoded, is_mapping, is_pair


def list_clips(X) -> list | None:
    """List the clips in X, or return None where X is a table of clips x samples.

    Clips are what `as_clip` takes: paths (str or Path), one-dimensional arrays or torch
    tensors, samples with their rate, files in memory. They are in a list, a tuple or another
    collection that has an order, a Series, an array of pyarrow, a one-dimensional object or
    string array, or a single column of a DataFrame, pyarrow table or two-dimensional array.
    Lists of numbers are clips where their lengths differ, and else the rows of a table.

    Parameters
    ----------
    X : any
        What a user passes to ``fit`` or ``transform``.

    Returns
    -------
    list or None
        The clips; None for all that scikit-learn's own validation has to judge.

    Raises
    ------
    TypeError
        If X is a single clip, a generator, a dict or a set.
    ValueError
        If X is an empty collection, or a table of several columns of paths.
    """
    _refuse_single_clip(X)
    _refuse_without_order(X)
    items = _single_column(X)
    if items is None:
        return None
    if len(items) == 0:
        raise ValueError(
            "X is empty: there is no clip in it. If it was made by listing a folder, check "
            "the folder's name and the pattern."
        )
    if (
        any(map(is_clip, items))
        or _is_column_of_lists(X, items)
        or all(map(_is_missing, items))
        or _is_no_table(items)
    ):
        return items
    return None


def _is_missing(item) -> bool:
    """Whether this is what stands in a column of paths where there is none."""
    if isinstance(item, float):
        return math.isnan(item)
    return item is None or type(item).__name__ == "NAType"


def _is_column_of_lists(X, items: list) -> bool:
    """Whether X is a column, as those of pyarrow, whose values are lists of samples."""
    return not isinstance(X, (list, tuple)) and all(isinstance(item, list) for item in items)


def _is_no_table(items: list) -> bool:
    """Whether items can be neither numbers nor rows of numbers of one length."""
    if all(isinstance(item, (list, tuple)) for item in items):
        return len(set(map(len, items))) > 1 or not all(map(_begins_with_number, items))
    # An array without dimensions is a number.
    return not all(isinstance(item, (Number, list, tuple, np.ndarray)) for item in items)


def _begins_with_number(row) -> bool:
    return len(row) == 0 or isinstance(row[0], (Number, list, tuple))


def _holds_paths(values) -> bool:
    return any(isinstance(value, (str, os.PathLike)) for value in values[:100])


def _refuse_single_clip(X) -> None:
    shown = reprlib.repr(X)
    if isinstance(X, (str, bytes, os.PathLike)):
        what = "content of a file" if isinstance(X, bytes) else "path"
        raise TypeError(
            f"X is the single {what} {shown}, and X is a collection of clips: pass a list, "
            f"[{shown if what == 'path' else 'X'}]"
        )
    single = is_encoded(X) or (is_mapping(X) and is_clip(X))
    if single or hasattr(X, "get_all_samples") or (isinstance(X, tuple) and is_pair(X)):
        raise TypeError(
            f"X is a single clip, {shown} of type {type(X).__name__}, and X is a collection of "
            "clips: pass a list, [X]"
        )


def _refuse_without_order(X) -> None:
    if hasattr(X, "collect") and not hasattr(X, "shape"):
        raise TypeError(
            f"X is a {type(X).__name__}, which has not been computed yet: pass X.collect()"
        )
    if hasattr(X, "__next__"):
        raise TypeError(f"X is a {type(X).__name__}, which can be read only once: pass list(X)")
    if is_mapping(X):
        raise TypeError(
            f"X is a {type(X).__name__}, and X is a collection of clips: pass list(X), if its keys "
            "are the clips, or list(X.values())"
        )
    # The keys of a dict are a set too, and have an order.
    if isinstance(X, (set, frozenset)):
        raise TypeError(
            f"X is a {type(X).__name__}, which has no order, and rows have one: pass sorted(X)"
        )


def _single_column(X) -> list | None:
    """The items of a one-dimensional X; None where X has no such form."""
    if isinstance(X, (list, tuple)):
        return list(X)
    if hasattr(X, "detach"):
        return None
    if hasattr(X, "column_names"):  # a table of pyarrow, a data set of Hugging Face
        return _column_of_table(X)
    if hasattr(X, "to_pylist"):  # a column of pyarrow
        return X.to_pylist()
    if hasattr(X, "columns"):
        return _column_of_frame(X)
    if isinstance(X, np.ndarray):
        return _column_of_array(X) if X.dtype.kind in "OSUT" else None
    if len(getattr(X, "shape", ())) == 1 and hasattr(X, "dtype"):
        return list(X)
    if isinstance(X, Collection) and not hasattr(X, "shape") and not hasattr(X, "__array__"):
        return list(X)
    return None


def _column_of_frame(X) -> list | None:
    if X.shape[1] == 1:
        return list(X[X.columns[0]])
    values = X.to_numpy()
    if values.dtype.kind in "OUT" and any(map(_holds_paths, values.T)):
        raise ValueError(
            f"X has the columns {list(X.columns)}, and one column holds the paths of the "
            "clips: select it, for example with X['file'], or with ColumnTransformer"
        )
    return None


def _column_of_table(X) -> list | None:
    names = list(X.column_names)
    if len(names) != 1:
        raise ValueError(
            f"X is a {type(X).__name__} with the columns {reprlib.repr(names)}: select the one "
            "that holds the clips, for example with X['file']"
        )
    return _single_column(X[names[0]])


def _column_of_array(X: np.ndarray) -> list | None:
    if X.dtype.kind == "S":
        raise ValueError(
            f"X is an array of bytes, {X.dtype}: names of files are text, numpy.char.decode(X); "
            "the contents of files come in a list, as numpy cuts zeros off their ends"
        )
    if X.ndim == 1:
        return list(X)
    if X.ndim == 2 and X.shape[1] == 1:
        return list(X[:, 0])
    if any(map(_holds_paths, X.T)):
        raise ValueError(
            f"X is an array of text of shape {X.shape}, and one column holds the paths "
            "of the clips: select it, for example with X[:, 0]"
        )
    return None
