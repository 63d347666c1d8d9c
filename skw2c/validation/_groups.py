"""Groups of clips that belong together, and stay on one side of any split."""

from __future__ import annotations

import numpy as np
from sklearn.utils import column_or_1d


def number_groups(groups, n_clips: int) -> np.ndarray | None:
    """The group of each clip as a number, in the order in which they come.

    Parameters
    ----------
    groups : array-like of shape (n_clips,) or None
        Strings or numbers.
    n_clips : int

    Returns
    -------
    ndarray of shape (n_clips,), int64, or None

    Raises
    ------
    ValueError
        If there is not one for each clip, or one is missing.
    """
    if groups is None:
        return None
    groups = column_or_1d(np.array(list(groups), dtype=object)).tolist()
    if len(groups) != n_clips:
        raise ValueError(f"groups has {len(groups)} rows for {n_clips} clips")
    for row, group in enumerate(groups):
        if group is None or type(group).__name__ in ("NAType", "NaTType") or group != group:
            raise ValueError(
                f"groups has a missing value at row {row} ({group!r}): give a clip that does not "
                "belong to any other a group of its own"
            )
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    return np.array([numbers[group] for group in groups])
