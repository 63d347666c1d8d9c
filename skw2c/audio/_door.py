"""The door by which clips come in: what X is a collection of clips, and what is a table."""

from __future__ import annotations

import math
import os
import warnings

import numpy as np

from ..exceptions import AudioError
from ._clip import ArrayClip, as_clip

_FLOAT_PEAK = 10.0
"""Float samples in [-1, 1] go a little beyond it where they were amplified, not so far."""


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


def warn_of_integer_range(clips: list) -> None:
    """Warn of float samples that look like integers which nobody scaled.

    Parameters
    ----------
    clips : list
        What `list_clips` gives, or the rows of a table.

    Warns
    -----
    UserWarning
        Once, naming the rows.
    """
    peaks = {row: _float_peak(item) for row, item in enumerate(clips)}
    loud = {row: peak for row, peak in peaks.items() if peak > _FLOAT_PEAK}
    if not loud:
        return
    named = ", ".join(f"row {row} (up to {peak:.6g})" for row, peak in list(loud.items())[:3])
    more = f" and {len(loud) - 3} more" if len(loud) > 3 else ""
    warnings.warn(
        f"Float samples of {named}{more} go far beyond [-1, 1], which they are expected to be in, "
        "and the vectors depend on it. If they are 16-bit samples, pass them as integers "
        "(x.astype('int16')), or divide them by 32768.",
        stacklevel=5,
    )


def _float_peak(item) -> float:
    try:
        clip = as_clip(item, 1)
    except AudioError:
        return 0.0
    return clip.float_peak() if isinstance(clip, ArrayClip) else 0.0
