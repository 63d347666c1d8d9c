"""Retrieval metrics: how well a search by cosine similarity finds items of the same label."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_array, check_scalar, column_or_1d, gen_batches

from ..system._warning import warn_caller

__all__ = [
    "chance_reciprocal_rank",
    "mean_average_precision",
    "mean_reciprocal_rank",
    "precision_at_k",
    "recall_at_k",
    "retrieval_scores",
]

_SCORES_PER_BLOCK = 2**21

# Unit vectors are rounded to multiples of 2**-26. Products of such numbers, and all of their
# sums, are integers below 2**53 in these units (Cauchy-Schwarz), and so exact in float64: equal
# vectors get equal scores, whatever the block, the number of threads or the order of summation.
_STEPS_PER_UNIT = 2.0**26


class _Search(NamedTuple):
    queries: np.ndarray
    items: np.ndarray
    query_codes: np.ndarray
    item_codes: np.ndarray
    exclude_self: bool


def mean_reciprocal_rank(queries, items, query_labels, item_labels, *, exclude_self=False):
    """Compute the mean reciprocal rank (MRR) of the first relevant item.

    An item is relevant to a query if it has the same label. Items are ranked by decreasing
    cosine similarity; items of equal similarity are ranked in the order of ``items``.

    Parameters
    ----------
    queries : array-like of shape (n_queries, n_features), float or int
        The vectors to search for.
    items : array-like of shape (n_items, n_features), float or int
        The vectors to search in.
    query_labels : array-like of shape (n_queries,), str or int
        The label of each query.
    item_labels : array-like of shape (n_items,), str or int
        The label of each item.
    exclude_self : bool, default=False
        Whether queries and items are the same list, and no vector may find itself: item i
        is then not a candidate for query i.

    Returns
    -------
    score : float
        In [0, 1]; 1 if the first item is relevant for each query.

    Raises
    ------
    ValueError
        If a vector contains NaN or infinity, a label is missing, dimensions or lengths do not
        match, or the labels of one side are strings and those of the other are numbers.

    Warns
    -----
    UndefinedMetricWarning
        If there are queries without relevant items. They count as 0.

    See Also
    --------
    chance_reciprocal_rank : The expected score of random vectors.
    retrieval_scores : Computes all scores at once.

    Notes
    -----
    Vectors are scaled to unit length and rounded to multiples of 2**-26. From there on, all
    arithmetic is exact, so the result does not depend on how the work is divided, and copies of
    a vector always tie. The rounding changes a similarity by about 6e-9, half as much as
    computing it in float32; items whose similarities differ by less may swap ranks. A vector
    of zeros has the similarity 0 to every vector.

    Similarities are computed in blocks of queries. 15,000 queries and as many items of
    dimension 512 need 200 MB in addition to the arguments.

    Examples
    --------
    >>> from skw2c.metrics import mean_reciprocal_rank
    >>> items = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    >>> mean_reciprocal_rank([[2.0, 1.0], [0.0, 3.0]], items, ["dog", "cat"], ["dog", "cat", "cow"])
    0.75
    """
    search = _prepare(queries, items, query_labels, item_labels, exclude_self)
    blocks = [_reciprocal_ranks(search, *block) for block in _score_blocks(search)]
    return float(np.concatenate(blocks).mean())


def precision_at_k(queries, items, query_labels, item_labels, *, k=10, exclude_self=False):
    """Compute precision at k: the fraction of the first k items that are relevant.

    The score is averaged over the queries.

    Parameters
    ----------
    queries : array-like of shape (n_queries, n_features), float or int
        The vectors to search for.
    items : array-like of shape (n_items, n_features), float or int
        The vectors to search in.
    query_labels : array-like of shape (n_queries,), str or int
        The label of each query.
    item_labels : array-like of shape (n_items,), str or int
        The label of each item. Items with the label of the query are relevant.
    k : int, default=10
        The number of items to consider, from 1 to the number of candidates.
    exclude_self : bool, default=False
        Whether queries and items are the same list, and no vector may find itself.

    Returns
    -------
    score : float
        In [0, 1].

    Raises
    ------
    ValueError
        If ``k`` is less than 1 or greater than the number of candidates, or for the same
        reasons as in :func:`mean_reciprocal_rank`.
    TypeError
        If ``k`` is not an integer.

    Warns
    -----
    UndefinedMetricWarning
        If there are queries without relevant items. They count as 0.

    See Also
    --------
    mean_reciprocal_rank : Describes how items are ranked.
    recall_at_k : The number of hits as a fraction of all relevant items.

    Examples
    --------
    >>> from skw2c.metrics import precision_at_k
    >>> items = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    >>> precision_at_k([[2.0, 1.0]], items, ["dog"], ["dog", "cat", "cow"], k=2)
    0.5
    """
    search = _prepare(queries, items, query_labels, item_labels, exclude_self)
    return _score_all(search, [k])[f"precision@{int(k)}"]


def recall_at_k(queries, items, query_labels, item_labels, *, k=10, exclude_self=False):
    """Compute recall at k: the fraction of the relevant items that are among the first k.

    The score is averaged over the queries.

    Parameters
    ----------
    queries : array-like of shape (n_queries, n_features), float or int
        The vectors to search for.
    items : array-like of shape (n_items, n_features), float or int
        The vectors to search in.
    query_labels : array-like of shape (n_queries,), str or int
        The label of each query.
    item_labels : array-like of shape (n_items,), str or int
        The label of each item. Items with the label of the query are relevant.
    k : int, default=10
        The number of items to consider, from 1 to the number of candidates.
    exclude_self : bool, default=False
        Whether queries and items are the same list, and no vector may find itself.

    Returns
    -------
    score : float
        In [0, 1]. A query with r relevant items contributes at most k / r.

    Raises
    ------
    ValueError
        If ``k`` is less than 1 or greater than the number of candidates, or for the same
        reasons as in :func:`mean_reciprocal_rank`.
    TypeError
        If ``k`` is not an integer.

    Warns
    -----
    UndefinedMetricWarning
        If there are queries without relevant items. They count as 0.

    See Also
    --------
    mean_reciprocal_rank : Describes how items are ranked.
    precision_at_k : The number of hits as a fraction of k.

    Examples
    --------
    >>> from skw2c.metrics import recall_at_k
    >>> items = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    >>> recall_at_k([[2.0, 1.0]], items, ["dog"], ["dog", "dog", "cow"], k=2)
    0.5
    """
    search = _prepare(queries, items, query_labels, item_labels, exclude_self)
    return _score_all(search, [k])[f"recall@{int(k)}"]


def mean_average_precision(queries, items, query_labels, item_labels, *, exclude_self=False):
    """Compute the mean average precision (mAP) of the full rankings.

    The average precision of a query is the mean, over its relevant items, of the precision
    among the items down to that one. Without ties, it equals
    :func:`sklearn.metrics.average_precision_score`.

    Parameters
    ----------
    queries : array-like of shape (n_queries, n_features), float or int
        The vectors to search for.
    items : array-like of shape (n_items, n_features), float or int
        The vectors to search in.
    query_labels : array-like of shape (n_queries,), str or int
        The label of each query.
    item_labels : array-like of shape (n_items,), str or int
        The label of each item. Items with the label of the query are relevant.
    exclude_self : bool, default=False
        Whether queries and items are the same list, and no vector may find itself.

    Returns
    -------
    score : float
        In [0, 1]; 1 if all relevant items are ranked first for each query.

    Raises
    ------
    ValueError
        For the same reasons as in :func:`mean_reciprocal_rank`.

    Warns
    -----
    UndefinedMetricWarning
        If there are queries without relevant items. They count as 0.

    See Also
    --------
    mean_reciprocal_rank : Describes how items are ranked.

    Examples
    --------
    >>> from skw2c.metrics import mean_average_precision
    >>> items = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-1.0, 0.0]]
    >>> mean_average_precision([[2.0, 1.0]], items, ["dog"], ["cow", "cat", "dog", "dog"])
    0.75
    """
    search = _prepare(queries, items, query_labels, item_labels, exclude_self)
    return _score_all(search, [])["map"]


def retrieval_scores(
    queries, items, query_labels, item_labels, *, k=(1, 5, 10), exclude_self=False
):
    """Compute all retrieval metrics in one pass over the similarities.

    Parameters
    ----------
    queries : array-like of shape (n_queries, n_features), float or int
        The vectors to search for.
    items : array-like of shape (n_items, n_features), float or int
        The vectors to search in.
    query_labels : array-like of shape (n_queries,), str or int
        The label of each query.
    item_labels : array-like of shape (n_items,), str or int
        The label of each item. Items with the label of the query are relevant.
    k : int or sequence of int, default=(1, 5, 10)
        The numbers of items to consider for precision and recall, each from 1 to the number
        of candidates.
    exclude_self : bool, default=False
        Whether queries and items are the same list, and no vector may find itself.

    Returns
    -------
    scores : dict of str to float
        ``"mrr"``, ``"map"``, and for each k ``"precision@<k>"`` and ``"recall@<k>"``.

    Raises
    ------
    ValueError
        If one of ``k`` is less than 1 or greater than the number of candidates, or for the
        same reasons as in :func:`mean_reciprocal_rank`.
    TypeError
        If one of ``k`` is not an integer.

    Warns
    -----
    UndefinedMetricWarning
        If there are queries without relevant items. They count as 0.

    See Also
    --------
    mean_reciprocal_rank : Describes how items are ranked. Faster if only this score is needed.
    mean_average_precision : The score under ``"map"``.
    precision_at_k : The scores under ``"precision@<k>"``.
    recall_at_k : The scores under ``"recall@<k>"``.

    Examples
    --------
    >>> from skw2c.metrics import retrieval_scores
    >>> vectors = [[1.0, 0.0], [3.0, 1.0], [0.0, 1.0], [1.0, 2.0]]
    >>> labels = ["dog", "dog", "cat", "cat"]
    >>> retrieval_scores(vectors, vectors, labels, labels, k=1, exclude_self=True)
    {'mrr': 1.0, 'map': 1.0, 'precision@1': 1.0, 'recall@1': 1.0}
    """
    search = _prepare(queries, items, query_labels, item_labels, exclude_self)
    return _score_all(search, [k] if np.isscalar(k) else list(k))


def chance_reciprocal_rank(query_labels, item_labels, *, exclude_self=False):
    """Compute the expected mean reciprocal rank of random rankings.

    Parameters
    ----------
    query_labels : array-like of shape (n_queries,), str or int
        The label of each query.
    item_labels : array-like of shape (n_items,), str or int
        The label of each item. Items with the label of the query are relevant.
    exclude_self : bool, default=False
        Whether queries and items are the same list, and no vector may find itself.

    Returns
    -------
    score : float
        In [0, 1]. It is computed exactly, not by sampling.

    Raises
    ------
    ValueError
        If the labels are empty, a label is missing, the labels of one side are strings and
        those of the other are numbers, or lengths differ although ``exclude_self=True``.

    Warns
    -----
    UndefinedMetricWarning
        If there are queries without relevant items. They count as 0.

    See Also
    --------
    mean_reciprocal_rank : The score to compare it with.

    Notes
    -----
    Let r of n candidates be relevant. If none of the first k - 1 is relevant, the next one is
    with the probability h_k = r / (n - k + 1). The expected reciprocal rank is therefore the
    sum over k of h_k / k times the product of 1 - h_i over all i < k.

    Examples
    --------
    >>> from skw2c.metrics import chance_reciprocal_rank
    >>> chance_reciprocal_rank(["dog"], ["dog", "cat"])
    0.75
    """
    query_codes, item_codes = _encode_labels(query_labels, item_labels)
    if exclude_self:
        _check_same_length("query_labels", len(query_codes), "item_labels", len(item_codes))
    n_relevant = _count_relevant(query_codes, item_codes, exclude_self)
    _warn_of_queries_without_relevant_items(n_relevant)
    n_candidates = len(item_codes) - exclude_self
    numbers, n_queries = np.unique(n_relevant, return_counts=True)
    expected = [_expected_reciprocal_rank(n_candidates, number) for number in numbers]
    return float(np.average(expected, weights=n_queries))


def _prepare(queries, items, query_labels, item_labels, exclude_self: bool) -> _Search:
    same = items is queries
    queries = _check_vectors(queries, "queries")
    items = queries if same else _check_vectors(items, "items")
    if queries.shape[1] != items.shape[1]:
        raise ValueError(
            f"got queries of dimension {queries.shape[1]}, but items of dimension {items.shape[1]}"
        )
    if exclude_self:
        _check_same_length("queries", len(queries), "items", len(items))
    query_codes, item_codes = _encode_labels(query_labels, item_labels)
    for name, codes, vectors in [("query", query_codes, queries), ("item", item_codes, items)]:
        if len(codes) != len(vectors):
            raise ValueError(f"got {len(codes)} {name}_labels for {len(vectors)} vectors")
    _warn_of_queries_without_relevant_items(_count_relevant(query_codes, item_codes, exclude_self))
    for vectors in [queries] if same else [queries, items]:
        _round_directions(vectors)
    return _Search(queries, items, query_codes, item_codes, exclude_self)


def _check_vectors(vectors, name: str) -> np.ndarray:
    """Return a float64 copy, which may be written to."""
    vectors = check_array(
        vectors, dtype=np.float64, order="C", copy=True, ensure_all_finite=False, input_name=name
    )
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if bad.size:
        raise ValueError(
            f"{name}[{bad[0]}] contains NaN or infinity, as do {bad.size} of {len(vectors)} rows "
            "in total; first drop the rows that failed under on_error='nan', and their labels: "
            "keep = np.isfinite(vectors).all(axis=1)"
        )
    return vectors


def _check_same_length(first: str, n_first: int, second: str, n_second: int) -> None:
    if n_first != n_second:
        raise ValueError(
            f"exclude_self=True needs {first} and {second} to be the same list, but got {n_first} "
            f"and {n_second} of them"
        )


def _encode_labels(query_labels, item_labels) -> tuple[np.ndarray, np.ndarray]:
    """Encode the labels of both sides as integers from 0."""
    query_labels = _check_labels(query_labels, "query_labels")
    item_labels = _check_labels(item_labels, "item_labels")
    if isinstance(query_labels[0], str) != isinstance(item_labels[0], str):
        raise ValueError(
            "query_labels and item_labels must be both strings or both numbers, got "
            f"{query_labels[0]!r} and {item_labels[0]!r}"
        )
    # Not by np.unique: int64 and uint64 labels would be converted to float64, where large
    # integers collide.
    codes: dict = {}
    encoded = [codes.setdefault(x, len(codes)) for x in [*query_labels, *item_labels]]
    return np.array(encoded[: len(query_labels)]), np.array(encoded[len(query_labels) :])


def _check_labels(labels, name: str) -> list:
    if isinstance(labels, list | tuple):
        # Otherwise numpy turns NaN among strings into the string "nan".
        labels = np.array(labels, dtype=object)
    try:
        labels = column_or_1d(labels).tolist()
    except ValueError as exc:
        raise ValueError(f"{name} must be one-dimensional: {exc}") from exc
    if not labels:
        raise ValueError(f"{name} is empty")
    kind = str if isinstance(labels[0], str) else Real
    for row, label in enumerate(labels):
        if not isinstance(label, kind) or label != label:
            raise ValueError(
                f"{name}[{row}] is {label!r}, expected either strings or numbers throughout, and "
                "no missing labels"
            )
    return labels


def _count_relevant(
    query_codes: np.ndarray, item_codes: np.ndarray, exclude_self: bool
) -> np.ndarray:
    n_labels = max(query_codes.max(), item_codes.max()) + 1
    n_relevant = np.bincount(item_codes, minlength=n_labels)[query_codes]
    return n_relevant - (query_codes == item_codes) if exclude_self else n_relevant


def _warn_of_queries_without_relevant_items(n_relevant: np.ndarray) -> None:
    n_without = np.count_nonzero(n_relevant == 0)
    if n_without:
        warn_caller(
            f"{n_without} of {len(n_relevant)} queries do not have any relevant items and "
            "count as 0",
            UndefinedMetricWarning,
        )


def _round_directions(vectors: np.ndarray) -> None:
    """Scale vectors to unit length, and round them to whole steps, in place."""
    # First by the largest entry: squares of very large or small entries would overflow or
    # underflow.
    for measure in [_largest, _length]:
        size = measure(vectors)
        vectors /= np.where(size == 0, 1, size)[:, np.newaxis]
    vectors *= _STEPS_PER_UNIT
    np.rint(vectors, out=vectors)


def _largest(vectors: np.ndarray) -> np.ndarray:
    return np.maximum(vectors.max(axis=1), -vectors.min(axis=1))


def _length(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(vectors).sum(axis=1))


def _score_blocks(search: _Search) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield blocks of queries and their similarities to all items, in units of 2**-52."""
    batch_size = max(1, _SCORES_PER_BLOCK // len(search.items))
    for rows in gen_batches(len(search.queries), batch_size):
        scores = search.queries[rows] @ search.items.T
        if search.exclude_self:
            scores[np.arange(len(scores)), np.arange(rows.start, rows.stop)] = -np.inf
        yield rows, scores


def _reciprocal_ranks(search: _Search, rows: slice, scores: np.ndarray) -> np.ndarray:
    relevant = search.query_codes[rows, np.newaxis] == search.item_codes
    best = scores.max(axis=1, keepdims=True, where=relevant, initial=-np.inf)
    n_larger = np.count_nonzero(scores > best, axis=1)
    tied = scores == best
    first = np.argmax(tied & relevant, axis=1)
    tied &= np.arange(scores.shape[1]) < first[:, np.newaxis]
    ranks = 1 + n_larger + np.count_nonzero(tied, axis=1)
    return np.where(best[:, 0] == -np.inf, 0, 1 / ranks)


def _score_all(search: _Search, k: list) -> dict[str, float]:
    n_candidates = len(search.items) - search.exclude_self
    cutoffs = np.array([_check_k(each, n_candidates) for each in k], dtype=int)
    scores = np.column_stack([_score_query(ranks, cutoffs) for ranks in _ranks_of_relevant(search)])
    at_k = (f"{name}@{each}" for each in cutoffs for name in ("precision", "recall"))
    names = ["mrr", "map", *at_k]
    return dict(zip(names, scores.mean(axis=1).tolist(), strict=True))


def _check_k(k, n_candidates: int) -> int:
    check_scalar(k, "k", Integral, min_val=1)
    if k > n_candidates:
        raise ValueError(f"k={k} is greater than the {n_candidates} candidates of a query")
    return int(k)


def _score_query(ranks: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return reciprocal rank, average precision, and precision and recall at each k."""
    if not ranks.size:
        return np.zeros(2 + 2 * len(k))
    n_hits = np.searchsorted(ranks, k, side="right")
    average_precision = np.mean(np.arange(1, ranks.size + 1) / ranks)
    at_k = np.column_stack([n_hits / k, n_hits / ranks.size])
    return np.concatenate([[1 / ranks[0], average_precision], at_k.ravel()])


def _ranks_of_relevant(search: _Search) -> Iterator[np.ndarray]:
    """Yield the ranks of the relevant items of each query, in increasing order."""
    n_items = np.bincount(search.item_codes, minlength=search.query_codes.max() + 1)
    members = np.split(np.argsort(search.item_codes, kind="stable"), np.cumsum(n_items)[:-1])
    for rows, scores in _score_blocks(search):
        ordered = np.sort(scores, axis=1)
        for row, query in enumerate(range(rows.start, rows.stop)):
            relevant = members[search.query_codes[query]]
            if search.exclude_self:
                relevant = relevant[relevant != query]
            yield _rank(scores[row], ordered[row], relevant)


def _rank(scores: np.ndarray, ordered: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    wanted = np.sort(scores[relevant])[::-1]
    n_not_larger = np.searchsorted(ordered, wanted, side="right")
    n_smaller = np.searchsorted(ordered, wanted, side="left")
    if np.all(n_not_larger - n_smaller == 1):
        return 1 + len(scores) - n_not_larger
    # Only a stable sort breaks ties by the order of the items, but it takes ten times as long.
    ranks = np.empty(len(scores), dtype=np.intp)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return np.sort(ranks[relevant])


def _expected_reciprocal_rank(n_candidates: int, n_relevant: int) -> float:
    if n_relevant == 0:
        return 0.0
    ranks = np.arange(1, n_candidates - n_relevant + 2)
    chance = n_relevant / (n_candidates - ranks + 1)
    none_before = np.cumprod(np.append(1.0, 1 - chance[:-1]))
    return float(np.sum(none_before * chance / ranks))
