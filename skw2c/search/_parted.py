"""Search in several parts as in one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._content import IndexContent


class PartedNeighbours:
    """Search each part by its own engine, and merge what they find by the true cosines.

    Parameters
    ----------
    content : IndexContent
    method : str
        How parts are searched; see `choose_engine`.
    """

    def __init__(self, content: IndexContent, method: str):
        self.method = method
        self._parts = content.parts

    @property
    def engines(self) -> list:
        """What searches each part, made at the first need."""
        return [part.engine(self.method) for part in self._parts]

    def search(
        self, queries: np.ndarray, k: int, chosen: Sequence[np.ndarray] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the ``k`` vectors of largest cosine to each of the queries.

        Vectors of clips that were removed are not found.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, n_features), float32, of length 1
        k : int
            Fewer are found where there are fewer.
        chosen : sequence of ndarray of bool, or None, default=None
            For each part a mask of the vectors among which to look. None: all.

        Returns
        -------
        scores : ndarray of shape (n_queries, k), float64
            Cosines, descending.
        rows : ndarray of shape (n_queries, k), int64
            Rows of the vectors, ascending where cosines are equal.
        """
        scores = [np.zeros((len(queries), 0))]
        rows = [np.zeros((len(queries), 0), np.int64)]
        start = 0
        for number, part in enumerate(self._parts):
            kept = _both(part.kept_rows, None if chosen is None else chosen[number])
            n_kept = len(part.vectors) if kept is None else int(kept.sum())
            if n_kept:
                found = part.engine(self.method).search(queries, min(k, n_kept), kept)
                scores.append(found[0])
                rows.append(found[1] + start)
            start += len(part.vectors)
        return _best(np.concatenate(scores, axis=1), np.concatenate(rows, axis=1), k)


def _both(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    """What two masks keep; None: all."""
    if one is None or other is None:
        kept = other if one is None else one
        return None if kept is None or kept.all() else kept
    return one & other


def _best(scores: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((rows, -scores))[:, :k]
    return np.take_along_axis(scores, order, 1), np.take_along_axis(rows, order, 1)
