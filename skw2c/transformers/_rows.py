"""One result for every row of X: go on after failures, show progress, lose nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing

import numpy as np

from ..exceptions import FailedClipWarning, FailedRowWarning
from ..system._progress import progress_bar
from ..system._warning import warn_caller

_ROWS_AT_ONCE = 1 << 14
GO_ON = " To keep such rows as NaN and go on, pass on_error='nan'."

Results = Generator[tuple[int, "np.ndarray | Exception"], None, None]


def collect_rows(
    items: list,
    results: Results,
    *,
    width: int,
    unit: str,
    name_of: Callable[[object], str | None],
    on_error: str,
    verbose,
) -> list[np.ndarray]:
    """Collect the vectors of each item; a failed one is a row of NaN.

    Parameters
    ----------
    items : list
        The rows of X.
    results : generator of (row, vectors or error)
        Vectors are (n_frames, width). It is closed at the end, whatever ends it.
    width : int
        Length of a vector.
    unit : str
        What an item is, for messages.
    name_of : callable
        The file name of an item, or None.
    on_error : {"raise", "nan"}
        What to do with a failed item.
    verbose : bool or int
        Whether to show progress.

    Returns
    -------
    list of ndarray of shape (n_frames, width), float32

    Raises
    ------
    Exception
        The error of the first failed item, under ``on_error="raise"``. The message names
        the row and the file.

    Warns
    -----
    FailedRowWarning
        Once, if there are failed items.
    """
    vectors: list[np.ndarray | None] = [None] * len(items)
    failures = []
    drawn = progress_bar(len(items), unit=unit, desc="embedding", verbose=verbose)
    with drawn as bar, closing(results):
        for row, result in results:
            if isinstance(result, Exception):
                if on_error == "raise":
                    raise _name_row(result, row, name_of(items[row])) from result
                failures.append((row, name_of(items[row]), str(result)))
            else:
                vectors[row] = result
            bar.update()
    if failures:
        kind = FailedClipWarning if unit == "clip" else FailedRowWarning
        warn_caller(kind(failures, len(items), unit))
    return _fill(vectors, width)


def _name_row(error: Exception, row: int, file: str | None) -> Exception:
    named = "" if file is None else f" ({file!r})"
    return type(error)(f"Row {row}{named}: {error}.{GO_ON}")


def _fill(vectors: list[np.ndarray | None], width: int) -> list[np.ndarray]:
    """Put NaN for failed rows, with as many frames as all others have, or else one."""
    lengths = {len(frames) for frames in vectors if frames is not None}
    n_frames = lengths.pop() if len(lengths) == 1 else 1
    nan = np.full((n_frames, width), np.nan, np.float32)
    return [nan if frames is None else frames for frames in vectors]


def to_unit_length(vectors: np.ndarray) -> np.ndarray:
    """Scale each row of a matrix to unit length; a row of zeros stays."""
    scaled = np.array(vectors)
    for start in range(0, len(scaled), _ROWS_AT_ONCE):
        block = scaled[start : start + _ROWS_AT_ONCE]
        # First by the largest number, so that squares of tiny or huge ones stay in range.
        block /= _or_one(np.abs(block).max(axis=1, keepdims=True))
        block /= _or_one(np.linalg.norm(block, axis=1, keepdims=True))
    return scaled


def _or_one(lengths: np.ndarray) -> np.ndarray:
    return np.where(lengths == 0, 1, lengths)
