"""The nearest rows of a vector database, ranked by their true cosines."""

from __future__ import annotations

import numpy as np

from ._comparison import SLACK, SPARE
from ._stores import Condition, StoreTable

_LARGEST = 1.01  # cosine of vectors whose length is 1 but for rounding
_MOST = 1 << 14  # rows that one query fetches, where many are as near as the last


def find_nearest(
    table: StoreTable, query: np.ndarray, k: int, condition: Condition, *, exact: bool
) -> tuple[np.ndarray, list[dict]]:
    """Cosines and rows, the best first, and ties in the order in which they were added.

    Parameters
    ----------
    table : StoreTable
    query : ndarray of shape (width,), float32, of length 1
    k : int
        Fewer are found where there are fewer.
    condition : Condition
        Which rows to look among.
    exact : bool
        Whether the database must compare all vectors. It does so in any case where its
        approximate search finds too few.

    Raises
    ------
    ValueError
        If the database has vectors or rows that are not of an index.
    """
    limit = k + SPARE
    while True:
        rows, vectors = table.search(query, limit, condition, exact=exact)
        if len(rows) < k and not exact and table.count(condition) > len(rows):
            exact = True
            continue
        scores = _compare(query, vectors)
        places = np.array([_place_of(row) for row in rows], np.int64).reshape(-1, 2)
        order = np.lexsort((places[:, 1], places[:, 0], -scores))
        scores = scores[order]
        # What was not found scores at most the last, but for rounding.
        if len(rows) < limit or scores[k - 1] >= scores[-1] + SLACK or limit >= _MOST:
            return scores[:k], [rows[at] for at in order[:k]]
        limit *= 2


def _compare(query: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """True cosines, float64."""
    scores = (vectors.reshape(-1, len(query)) * query.astype(float)).sum(axis=1)
    if not (np.abs(scores) <= _LARGEST).all():
        raise ValueError("it has vectors whose length is not 1")
    return scores


def _place_of(row: dict) -> tuple[int, int]:
    place = row["position"], row["window"]
    if not all(type(number) is int for number in place):
        raise ValueError(f"the row {row['id']!r} is not one of an index")
    return place
