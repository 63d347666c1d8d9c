"""Choose clips that are spread over a map."""

from __future__ import annotations

import numpy as np

_SIDE = 32  # cells in each direction


def choose_spread(points: np.ndarray, candidates: np.ndarray, n_most: int) -> np.ndarray:
    """Numbers of clips, in order, from everywhere on a map.

    One clip comes from each cell of a grid, then a second one where there is one, and so on.

    Parameters
    ----------
    points : ndarray of shape (n_clips, 2), uint16
    candidates : ndarray of int
        Numbers of the clips to choose from.
    n_most : int
        How many to choose at most.
    """
    if len(candidates) <= n_most:
        return np.sort(candidates)
    columns = points[candidates].astype(int) * _SIDE // 65536
    cells = columns[:, 0] * _SIDE + columns[:, 1]
    # In an order at random, so that the last round is spread, too.
    order = np.random.default_rng(0).permutation(len(candidates))
    by_cell = order[np.argsort(cells[order], kind="stable")]
    starts = np.flatnonzero(np.diff(cells[by_cell], prepend=-1))
    ranks = np.arange(len(by_cell)) - np.repeat(starts, np.diff([*starts, len(by_cell)]))
    rounds = np.empty(len(candidates), int)
    rounds[by_cell] = ranks
    chosen = order[np.argsort(rounds[order], kind="stable")[:n_most]]
    return np.sort(candidates[chosen])
