"""Vectors compared with queries one by one: what the engines have in common."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from ..exceptions import SavedIndexError
from ._codes import import_faiss

SLACK = 1e-5
"""More than float32 can err in a cosine."""
SPARE = 16
"""Rows fetched beyond k, so that rounding at the margin does not decide which are found."""

_BLOCK = 2**22  # numbers of float64 that are held at once when cosines are computed
_COSINES = 2**24  # of float32 that are held at once
_LARGEST = 1.01  # cosine of vectors whose length is 1 but for rounding


def check_k(k: int, vectors: np.ndarray, kept: np.ndarray | None = None) -> None:
    """There must be as many vectors as neighbours are asked for."""
    most = len(vectors) if kept is None else int(kept.sum())
    if not 1 <= k <= most:
        raise ValueError(f"k is {k}; it must be from 1 to the number of items, {most}")


def rank(vectors, queries, rows, k):
    """The ``k`` best of the rows found for each query, by their true cosines."""
    scores = compute_cosines(vectors, queries, rows)
    scores[rows < 0] = -np.inf
    order = np.lexsort((rows, -scores))[:, :k]
    return np.take_along_axis(scores, order, 1), np.take_along_axis(rows, order, 1)


def compute_cosines(vectors, queries, rows):
    """Products of each query with its rows, in float64.

    Not as a product of matrices, where the order of summing depends on the shapes: here
    copies have the same cosine to the last bit, whatever else is asked.
    """
    scores = np.empty(rows.shape)
    step = max(1, _BLOCK // vectors.shape[1])
    for query, its_rows, its_scores in zip(queries.astype(float), rows, scores, strict=True):
        for start in range(0, len(its_rows), step):
            found = vectors[its_rows[start : start + step]]
            its_scores[start : start + step] = (found * query).sum(axis=1)
    _check_scores(scores)
    return scores


def keep_best(vectors, queries, rows, k):
    """Rows of the largest cosines in float32, with some to spare, in any order."""
    faiss = import_faiss()
    if rows.shape[1] <= k + SPARE:
        return rows
    cosines = np.full(rows.shape, -np.inf, np.float32)  # which row -1 keeps
    arrays = [faiss.swig_ptr(array) for array in (cosines, queries, vectors, rows)]
    faiss.fvec_inner_products_by_idx(*arrays, vectors.shape[1], *rows.shape)
    best = np.argpartition(-cosines, k + SPARE, axis=1)[:, : k + SPARE]
    return np.take_along_axis(rows, best, 1)


def compare(vectors, queries, kept, k):
    """The ``k`` best of the rows that a mask keeps, see `Neighbours.search`; all are compared."""
    rows = np.flatnonzero(kept)
    n_found = min(k + SPARE, len(rows))
    scores, found = rank(vectors, queries, _find_best(vectors, queries, rows, n_found), n_found)
    if n_found < len(rows):
        # What was not found scores at most the last, but for rounding.
        for at in np.flatnonzero(scores[:, k - 1] < scores[:, -1] + SLACK):
            query = queries[at : at + 1]
            rough = np.concatenate([c[0] for _, c in _cosines_of(vectors, query, rows)])
            near = rows[rough >= np.partition(rough, -k)[-k] - 2 * SLACK]
            scores[at, :k], found[at, :k] = (a[0] for a in rank(vectors, query, near[None], k))
    return scores[:, :k], found[:, :k]


def _find_best(vectors, queries, rows, n_found):
    """Rows of the largest cosines in float32 among some rows, in any order."""
    best = np.full((len(queries), 0), -1, np.int64)
    cosines = np.empty((len(queries), 0), np.float32)
    for some, block in _cosines_of(vectors, queries, rows):
        cosines = np.concatenate([cosines, block], axis=1)
        best = np.concatenate([best, np.broadcast_to(some, block.shape)], axis=1)
        if best.shape[1] > n_found:
            first = np.argpartition(-cosines, n_found - 1, axis=1)[:, :n_found]
            best = np.take_along_axis(best, first, 1)
            cosines = np.take_along_axis(cosines, first, 1)
    return best


def _cosines_of(vectors, queries, rows):
    """Some rows, and their products with the queries (n_queries, n_rows), block by block."""
    step = max(1, min(1 << 15, _COSINES // len(queries)))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        yield some, queries @ vectors[some].T


@contextmanager
def refusing_damage():
    """Let scikit-learn's complaint of numbers that are none be that of a damaged index."""
    try:
        yield
    except ValueError as exc:
        raise _damaged() from exc


def _check_scores(scores):
    """Refuse cosines that vectors of length 1 do not have."""
    if not (np.abs(scores) <= _LARGEST).all():
        raise _damaged()


def _damaged():
    return SavedIndexError(
        "The index has vectors that are damaged: their cosine with a query is not a number from "
        "-1 to 1. `skw2c index INDEX --verify` names the file: put it back from a copy, or build "
        "the index again."
    )
