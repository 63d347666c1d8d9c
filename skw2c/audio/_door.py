"""The door by which clips come in: what X is a collection of clips, and what is a table."""

from __future__ import annotations

import math
import os

import numpy as np


def list_clips(X) -> list | None:
    """List the clips in X, or return None where X is a table of clips x samples.

    Clips are paths (str or Path), one-dimensional arrays or torch tensors, in a list, a
    tuple, a Series, a one-dimensional object or string array, or a single column of a
    DataFrame or two-dimensional array.

    Parameters
    ----------
    X : any
        What a user passes to ``fit`` or ``transform``.

    Returns
    -------
    list or None
        The clips; None for all that scikit-learn's own validation shall judge.

    Raises
    ------
    TypeError
        If X is a single path, or a generator.
    ValueError
        If X is an empty collection, or a table of several columns of paths.
    """
    _refuse_single_path(X)
    items = _single_column(X)
    if items is None:
        return None
    if len(items) == 0:
        raise ValueError(
            "X is empty: there is no clip in it. If it was made by listing a folder, check "
            "the folder's name and the pattern."
        )
    if any(map(_is_clip, items)) or all(map(_is_missing, items)):
        return items
    return None


def _is_clip(item) -> bool:
    if isinstance(item, (str, os.PathLike)):
        return True
    return getattr(item, "ndim", 0) >= 1 and (
        isinstance(item, np.ndarray) or hasattr(item, "detach") or hasattr(item, "to_numpy")
    )


def _is_missing(item) -> bool:
    """Whether this is what stands in a column of paths where there is none."""
    if isinstance(item, float):
        return math.isnan(item)
    return item is None or type(item).__name__ == "NAType"


def _holds_paths(values) -> bool:
    return any(isinstance(value, (str, os.PathLike)) for value in values[:100])


def _refuse_single_path(X) -> None:
    if isinstance(X, (str, bytes, os.PathLike)):
        raise TypeError(
            f"X is the single path {X!r}, and X is a collection of clips: pass a list, [{X!r}]"
        )
    if hasattr(X, "__next__"):
        raise TypeError(f"X is a {type(X).__name__}, which can be read only once: pass list(X)")


def _single_column(X) -> list | None:
    """The items of a one-dimensional X; None where X has no such form."""
    if isinstance(X, (list, tuple)):
        return list(X)
    if hasattr(X, "detach"):
        return None
    shape = getattr(X, "shape", None)
    if shape is None:
        return None
    if hasattr(X, "columns"):
        return _column_of_frame(X)
    if hasattr(X, "dtype") and not isinstance(X, np.ndarray) and len(shape) == 1:
        return list(X)
    if isinstance(X, np.ndarray) and X.dtype.kind in "OUT":
        return _column_of_array(X)
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


def _column_of_array(X: np.ndarray) -> list | None:
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
