"""The images and videos of X."""

from __future__ import annotations

import os

import numpy as np

from ._collections import ItemKind, list_items, refuse_empty, refuse_single

_IMAGES = ItemKind(
    "image",
    "images",
    "an image is a path, a PIL image, or an array of shape (height, width) or (height, width, "
    "channels)",
)
_VIDEOS = ItemKind("video", "videos", "a video is a path (str or Path)")


def list_images(X) -> list:
    """List the images in X.

    Images are paths, PIL images, arrays or torch tensors in a list, a tuple or another
    collection that has an order, a Series, a column of pyarrow, a one-dimensional object or
    string array, or a single column of a DataFrame or two-dimensional array; or one array or
    tensor (n, height, width) or (n, height, width, channels). Items that are none of these are
    kept, for `as_image` to judge one by one.

    Raises
    ------
    TypeError
        If X is a single path or PIL image, a generator, or no collection.
    ValueError
        If X is empty, a single array, or has several columns.
    """
    _refuse_single_path(X, _IMAGES)
    if hasattr(X, "getbands"):
        raise TypeError(f"X is the single image {X!r}, expected a collection: pass a list, [X]")
    return refuse_empty(_stack(X), _IMAGES) if _is_numeric(X) else list_items(X, _IMAGES)


def list_videos(X) -> list:
    """List the videos in X.

    Videos are paths in a list, a tuple or another collection that has an order, a Series, a
    column of pyarrow, a one-dimensional object or string array, or a single column of a
    DataFrame or two-dimensional array. Items that are not paths are kept, for `VideoFile` to
    judge one by one.

    Raises
    ------
    TypeError
        If X is a single path, a generator, or no collection.
    ValueError
        If X is empty, an array of numbers, or has several columns.
    """
    _refuse_single_path(X, _VIDEOS)
    if _is_numeric(X):
        raise ValueError(
            f"X is an array of {X.dtype} of shape {tuple(X.shape)}, and {_VIDEOS.definition}; for "
            "images that are in memory there is CLIPImageEncoder"
        )
    return list_items(X, _VIDEOS)


def _refuse_single_path(X, kind: ItemKind) -> None:
    if isinstance(X, (str, bytes, os.PathLike)):
        refuse_single(X, "path", kind)


def _is_numeric(X) -> bool:
    """Whether X is an array or tensor of numbers."""
    if isinstance(X, np.ndarray):
        return X.dtype.kind not in "OSUT"
    return hasattr(X, "detach") and hasattr(X, "shape")


def _stack(X) -> list:
    """The images of one array (n, height, width) or (n, height, width, channels)."""
    shape = tuple(X.shape)
    if len(shape) not in (3, 4):
        raise ValueError(
            f"X is an array of numbers of shape {shape}, and {_IMAGES.definition}. Stack images "
            "along the first axis; a table of pixels becomes images by X.reshape(n, height, "
            "width); a single grey image is passed as [X]."
        )
    # Three or four columns are taken for channels: an image that narrow is rarer than one in RGB.
    if len(shape) == 3 and 1 <= shape[2] <= 4 and shape[0]:
        raise ValueError(
            f"X is an array of shape {shape}, which is a single image (height, width, channels), "
            "expected a collection: pass a list, [X]"
        )
    return list(X)
