"""The door by which pictures and videos come in: what X is a collection of them."""

from __future__ import annotations

import os
import reprlib

import numpy as np

_IMAGE = (
    "a picture is a path, a PIL image, or an array of shape (height, width) or (height, width, "
    "channels)"
)
_VIDEO = "a video is a path (str or Path)"


def list_images(X) -> list:
    """List the pictures in X.

    Pictures are paths, PIL images, arrays or torch tensors in a list, a tuple, a Series, a
    one-dimensional object or string array, or a single column of a DataFrame or
    two-dimensional array; or one array or tensor (n, height, width) or (n, height, width,
    channels). Items that are none of these are kept, for `as_image` to judge one by one.

    Raises
    ------
    TypeError
        If X is a single path or PIL image, a generator, or no collection.
    ValueError
        If X is empty, a single array, or has several columns.
    """
    _refuse_single_path(X, "pictures")
    if hasattr(X, "getbands"):
        raise TypeError(f"X is the single picture {X!r}, and X is a collection: pass a list, [X]")
    items = _stack(X) if _is_numeric(X) else _single_column(X, _IMAGE)
    return _not_empty(items, "picture")


def list_videos(X) -> list:
    """List the videos in X.

    Videos are paths in a list, a tuple, a Series, a one-dimensional object or string array,
    or a single column of a DataFrame or two-dimensional array. Items that are no paths are
    kept, for `VideoFile` to judge one by one.

    Raises
    ------
    TypeError
        If X is a single path, a generator, or no collection.
    ValueError
        If X is empty, an array of numbers, or has several columns.
    """
    _refuse_single_path(X, "videos")
    if _is_numeric(X):
        raise ValueError(
            f"X is an array of {X.dtype} of shape {tuple(X.shape)}, and {_VIDEO}; for pictures "
            "that are in memory there is CLIPImageEncoder"
        )
    return _not_empty(_single_column(X, _VIDEO), "video")


def _refuse_single_path(X, what: str) -> None:
    if isinstance(X, (str, bytes, os.PathLike)):
        raise TypeError(
            f"X is the single path {reprlib.repr(X)}, and X is a collection of {what}: pass a "
            f"list, [{reprlib.repr(X)}]"
        )
    if hasattr(X, "__next__"):
        raise TypeError(f"X is a {type(X).__name__}, which can be read only once: pass list(X)")


def _not_empty(items: list, what: str) -> list:
    if not items:
        raise ValueError(
            f"X is empty: there is no {what} in it. If it was made by listing a folder, check "
            "the folder's name and the pattern."
        )
    return items


def _is_numeric(X) -> bool:
    """Whether X is an array or tensor of numbers."""
    if isinstance(X, np.ndarray):
        return X.dtype.kind not in "OSUT"
    return hasattr(X, "detach") and hasattr(X, "shape")


def _stack(X) -> list:
    """The pictures of one array (n, height, width) or (n, height, width, channels)."""
    shape = tuple(X.shape)
    if len(shape) not in (3, 4):
        raise ValueError(
            f"X is an array of numbers of shape {shape}, and {_IMAGE}. Stack pictures along "
            "the first axis; a table of pixels becomes pictures by X.reshape(n, height, width); "
            "a single grey picture is passed as [X]."
        )
    if len(shape) == 3 and 1 <= shape[2] <= 4 and shape[0]:
        raise ValueError(
            f"X is an array of shape {shape}, which is a single picture (height, width, "
            "channels), and X is a collection: pass a list, [X]"
        )
    return list(X)


def _single_column(X, definition: str) -> list:
    """The items of an X that has a single column, or is one."""
    if isinstance(X, (list, tuple)):
        return list(X)
    shape = getattr(X, "shape", None)
    if not isinstance(shape, tuple) or len(shape) == 0:
        raise TypeError(
            f"X is {reprlib.repr(X)} of type {type(X).__name__}, and X is a collection, such as a "
            f"list, array or Series: {definition}"
        )
    if len(shape) == 1:
        return list(X)
    if hasattr(X, "columns"):
        return _column_of_frame(X, definition)
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[1] == 1:
        return list(X[:, 0])
    raise ValueError(
        f"X is of type {type(X).__name__} and shape {shape}, and {definition}. If one column "
        "holds the paths, select it, for example with X[:, 0]; otherwise pass a list."
    )


def _column_of_frame(X, definition: str) -> list:
    if X.shape[1] != 1:
        raise ValueError(
            f"X has the columns {list(X.columns)}, and {definition}: select the column that holds "
            "them, for example with X['file'], or with ColumnTransformer"
        )
    return list(X[X.columns[0]])
