"""Targets as users give them: listed by clip, and checked."""

from __future__ import annotations

import os
import reprlib

import numpy as np

from ..system._warning import warn_caller
from ._left_out import LeftOut


def list_targets(y, n_rows: int, left_out: LeftOut, name: str = "y") -> list[np.ndarray]:
    """List the targets of each row, (n_frames, width); those of failed rows as they are.

    Parameters
    ----------
    y : array-like of shape (n_rows, width) or (n_rows, n_frames, width), or sequence of these
    n_rows : int
        Number of clips.
    left_out : LeftOut
        Notes rows with NaN.
    name : str
        How messages call y.

    Raises
    ------
    ValueError
        If y does not fit the clips, or its rows do not fit each other.
    """
    rows = [_as_frames(row, number, name) for number, row in enumerate(_rows_of(y, name))]
    if len(rows) != n_rows:
        raise ValueError(
            f"X has {n_rows} clips and {name} has {len(rows)} rows: each clip needs its own, in "
            "the same order"
        )
    width = rows[0].shape[1]
    for number, frames in enumerate(rows):
        if frames.shape[1] != width:
            raise ValueError(
                f"Row {number} of {name} has vectors of dimension {frames.shape[1]}, and row 0 of "
                f"dimension {width}: all must come from one teacher"
            )
        with np.errstate(over="ignore"):
            lengths = np.linalg.norm(frames.astype(np.float32), axis=1)
        if not np.isfinite(lengths).all():
            error = ValueError(f"{name} contains NaN, infinity, or numbers too large for float32")
            left_out.add(number, None, error)
    return rows


def _rows_of(y, name: str):
    if hasattr(y, "detach"):
        y = y.detach().cpu().float().numpy()
    if hasattr(y, "to_numpy"):
        y = y.to_numpy()
    if hasattr(y, "toarray"):
        y = y.toarray()
    y = y if isinstance(y, (list, tuple)) else np.asarray(y)
    if not isinstance(y, (list, tuple)) and y.ndim == 0:
        raise TypeError(
            f"{name} is a {type(y[()]).__name__}, expected an array or a list of vectors with one "
            "row for each clip"
        )
    if len(y) and np.ndim(y[0]) == 0 and not isinstance(y[0], (str, os.PathLike)):
        warn_caller(
            f"{name} holds one number for each clip, and a teacher's vectors are (n_clips, width) "
            "or (n_clips, n_frames, width). If these are classes, train a classifier on the "
            "vectors of the sounds instead"
        )
    return y


def _as_frames(row, number: int, name: str) -> np.ndarray:
    row = row.detach().cpu().float() if hasattr(row, "detach") else row
    try:
        frames = np.asarray(row)
        if frames.dtype == object:
            frames = frames.astype(np.float32)
    except (TypeError, ValueError):
        frames = np.asarray(None)
    if frames.dtype.kind not in "fiub":
        raise ValueError(
            f"Row {number} of {name} is {reprlib.repr(row)} of type {type(row).__name__}, expected "
            "a vector of numbers. Images and videos need a teacher, such as "
            "teacher=CLIPImageEncoder()"
        )
    frames = frames.reshape(1, -1) if frames.ndim < 2 else frames
    if frames.ndim != 2 or 0 in frames.shape:
        raise ValueError(
            f"Row {number} of {name} has the shape {frames.shape}, expected (width,) or "
            "(n_frames, width)"
        )
    return frames


def check_caption_targets(texts, n_rows: int, width: int, left_out: LeftOut) -> np.ndarray | None:
    """Check vectors of captions, (n_rows, width), which stand beside the targets.

    Raises
    ------
    ValueError
        If they do not fit the clips or the targets.
    """
    if texts is None:
        return None
    texts = np.concatenate(list_targets(texts, n_rows, left_out, name="captions"))
    if texts.shape != (n_rows, width):
        raise ValueError(
            f"captions are vectors of shape {texts.shape}, expected ({n_rows}, {width}): one for "
            "each clip, in the teacher's space"
        )
    return texts.astype(np.float32)


def check_directions(targets: list[np.ndarray], rows: np.ndarray) -> None:
    """Refuse targets that are all the same: there is nothing to tell apart in them.

    Raises
    ------
    ValueError
        If the targets of all rows have one direction.
    """
    first = _direction(targets[rows[0]])
    if len(rows) > 1 and all(np.allclose(_direction(targets[row]), first) for row in rows):
        raise ValueError(
            "y is constant: the vectors of all clips are the same, or have one direction, and the "
            "loss learns to tell directions apart"
        )


def _direction(frames: np.ndarray) -> np.ndarray:
    mean = frames.mean(axis=0, dtype=np.float64)
    length = np.linalg.norm(mean)
    # The direction of a single number is but its sign; such targets are left to the loss.
    return mean if len(mean) == 1 or length == 0 else mean / length
