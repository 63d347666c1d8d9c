"""Retrieval metrics, against a plain implementation that loops over everything."""

import math
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import average_precision_score
from sklearn.metrics.pairwise import cosine_similarity

from skw2c.metrics import _retrieval_scores as metrics
from skw2c.metrics import (
    chance_reciprocal_rank,
    mean_average_precision,
    mean_reciprocal_rank,
    precision_at_k,
    recall_at_k,
    retrieval_scores,
)

OF_VECTORS = [
    mean_reciprocal_rank,
    precision_at_k,
    recall_at_k,
    mean_average_precision,
    retrieval_scores,
]
of_vectors = pytest.mark.parametrize("function", OF_VECTORS)


def plain_cosine(a, b):
    norms = [math.sqrt(math.fsum(x * x for x in vector)) for vector in (a, b)]
    if not all(norms):
        return 0.0
    return math.fsum(x * y for x, y in zip(a, b, strict=True)) / (norms[0] * norms[1])


def plain_scores(queries, items, query_labels, item_labels, ks, exclude_self=False):
    """All scores by loops; equal up to the twelfth decimal is a tie."""
    totals = {}
    for row, (query, label) in enumerate(zip(queries, query_labels, strict=True)):
        candidates = [j for j in range(len(items)) if not (exclude_self and j == row)]
        cosines = [round(plain_cosine(query, items[j]), 12) for j in candidates]
        ranking = np.argsort([-cosine for cosine in cosines], kind="stable")
        hits = [bool(item_labels[candidates[j]] == label) for j in ranking]
        n_relevant = max(sum(hits), 1)
        precisions = [sum(hits[: n + 1]) / (n + 1) for n, hit in enumerate(hits) if hit]
        scores = {"mrr": 1 / (1 + hits.index(True)) if any(hits) else 0}
        scores["map"] = sum(precisions) / n_relevant
        for k in ks:
            scores[f"precision@{k}"] = sum(hits[:k]) / k
            scores[f"recall@{k}"] = sum(hits[:k]) / n_relevant
        for name, score in scores.items():
            totals[name] = totals.get(name, 0) + score / len(queries)
    return totals


def draw(rng, n_queries=30, n_items=50, n_labels=6, width=5, dtype=np.float64):
    queries = rng.normal(size=(n_queries, width)).astype(dtype)
    items = rng.normal(size=(n_items, width)).astype(dtype)
    labels = np.array([f"label {k}" for k in range(n_labels)])
    query_labels = labels[rng.integers(0, n_labels, n_queries)]
    return queries, items, query_labels, labels[np.arange(n_items) % n_labels]


def draw_tied(rng):
    """Items are copies, multiples and zeros, in any order; labels do not follow the copies."""
    queries, base, query_labels, item_labels = draw(rng, n_items=60)
    items = base[rng.integers(0, 12, len(base))] * rng.choice([0, 0.5, 1, 1, 3], (60, 1))
    return np.concatenate([queries[:-1], np.zeros((1, 5))]), items, query_labels, item_labels


def draw_signs(rng):
    """Vectors of -1, 0 and 1, of which many are alike."""
    signs = rng.choice([-1.0, 0.0, 1.0], (60, 5))
    labels = rng.integers(0, 5, 60)
    return signs, signs, labels, labels


def draw_alike(rng):
    queries, _, query_labels, item_labels = draw(rng)
    return queries, np.ones((50, 5)), query_labels, item_labels


@pytest.mark.parametrize("draw_case", [draw, draw_tied, draw_signs, draw_alike])
@pytest.mark.parametrize("seed", range(3))
def test_all_scores_are_those_of_a_plain_implementation(draw_case, seed):
    case = draw_case(np.random.default_rng(seed))
    expected = plain_scores(*case, ks=[1, 5, 10, 50])
    scores = retrieval_scores(*case, k=(1, 5, 10, 50))
    assert list(scores) == list(expected)
    assert scores == pytest.approx(expected, abs=1e-12)
    assert mean_reciprocal_rank(*case) == pytest.approx(expected["mrr"], abs=1e-12)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("draw_case", [draw, draw_signs])
def test_exclude_self(draw_case, seed):
    queries, _, labels, _ = draw_case(np.random.default_rng(seed))
    case = (queries, queries.copy(), labels, labels)
    expected = plain_scores(*case, ks=[1, 10], exclude_self=True)
    scores = retrieval_scores(*case, k=(1, 10), exclude_self=True)
    assert scores == pytest.approx(expected, abs=1e-12)
    assert mean_reciprocal_rank(*case, exclude_self=True) == pytest.approx(expected["mrr"])
    assert scores["mrr"] < retrieval_scores(*case)["mrr"]


def test_single_scores_are_those_of_retrieval_scores(rng):
    case = draw(rng)
    scores = retrieval_scores(*case, k=[3, 10])
    assert scores["mrr"] == mean_reciprocal_rank(*case)
    assert scores["map"] == mean_average_precision(*case)
    for k in (3, 10):
        assert scores[f"precision@{k}"] == precision_at_k(*case, k=k)
        assert scores[f"recall@{k}"] == recall_at_k(*case, k=k)
    assert precision_at_k(*case) == scores["precision@10"]
    assert recall_at_k(*case) == scores["recall@10"]
    assert list(retrieval_scores(*case, k=3)) == ["mrr", "map", "precision@3", "recall@3"]
    assert all(type(score) is float for score in scores.values())


def test_average_precision_is_that_of_sklearn(rng):
    queries, items, query_labels, item_labels = draw(rng)
    expected = [
        average_precision_score(item_labels == label, cosines)
        for label, cosines in zip(query_labels, cosine_similarity(queries, items), strict=True)
    ]
    score = mean_average_precision(queries, items, query_labels, item_labels)
    assert score == pytest.approx(np.mean(expected))


def test_a_perfect_search_and_the_worst(rng):
    labels = np.arange(20) % 4
    vectors = np.eye(4)[labels] + 0.01 * rng.normal(size=(20, 4))
    scores = retrieval_scores(vectors, vectors, labels, labels, k=4, exclude_self=True)
    assert scores == {"mrr": 1.0, "map": 1.0, "precision@4": 1.0, "recall@4": 1.0}
    scores = retrieval_scores([[1.0]], [[1.0], [1.0], [-1.0]], ["a"], ["b", "b", "a"], k=2)
    assert scores == {"mrr": 1 / 3, "map": 1 / 3, "precision@2": 0.0, "recall@2": 0.0}


@pytest.mark.parametrize("scores_per_block", [1, 60, 170, 10**6])
@pytest.mark.parametrize("exclude_self", [False, True])
def test_blocks_make_no_difference(scores_per_block, exclude_self, monkeypatch, rng):
    labels = rng.integers(0, 9, 60)
    vectors = rng.normal(size=(60, 512))[rng.integers(0, 40, 60)]
    case = (vectors, vectors, labels, labels)
    expected = retrieval_scores(*case, exclude_self=exclude_self)
    monkeypatch.setattr(metrics, "_SCORES_PER_BLOCK", scores_per_block)
    assert retrieval_scores(*case, exclude_self=exclude_self) == expected
    assert mean_reciprocal_rank(*case, exclude_self=exclude_self) == expected["mrr"]


@pytest.mark.parametrize("width", [3, 512, 1500])
def test_copies_get_the_same_similarity_wherever_they_stand(width, rng):
    """A product of float64 matrices alone does not promise that, nor the same for each row."""
    copies = np.repeat(rng.normal(size=(7, width)), 30, axis=0)
    order = rng.permutation(len(copies))
    labels = np.zeros(len(copies), dtype=int)
    search = metrics._prepare(copies[order], copies, labels, labels, False)
    [(_, scores)] = metrics._score_blocks(search)
    by_row = [search._replace(queries=query[np.newaxis]) for query in search.queries]
    alone = np.concatenate([next(metrics._score_blocks(one))[1] for one in by_row])
    assert np.array_equal(scores, alone)
    assert np.array_equal(scores, np.repeat(scores[:, ::30], 30, axis=1))
    assert scores.max() < 2**53
    assert np.allclose(scores / 2**52, cosine_similarity(copies[order], copies), atol=1e-7)


@pytest.mark.parametrize("scale", [1e-300, 1e-20, 1e20, 1e300])
def test_lengths_make_no_difference(scale, rng):
    queries, items, *labels = draw(rng)
    expected = retrieval_scores(queries, items, *labels)
    assert retrieval_scores(queries * scale, items / scale, *labels) == expected


@pytest.mark.parametrize(
    "convert",
    [list, tuple, pd.Series, lambda labels: labels.astype(object), pd.Categorical],
)
@pytest.mark.parametrize("numbers", [False, True])
def test_kinds_of_labels(convert, numbers, rng):
    queries, items, *labels = draw(rng)
    expected = retrieval_scores(queries, items, *labels)
    if numbers:
        labels = [np.array([int(label[-1]) for label in one]) for one in labels]
    assert retrieval_scores(queries, items, *map(convert, labels)) == expected


@pytest.mark.parametrize(
    "convert", [np.float32, np.asfortranarray, pd.DataFrame, np.ndarray.tolist]
)
def test_kinds_of_vectors(convert, rng):
    queries, items, *labels = draw(rng, dtype=np.float32)
    queries, items = queries.astype(float), items.astype(float)
    expected = retrieval_scores(queries, items, *labels)
    assert retrieval_scores(convert(queries), convert(items), *labels) == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arguments_are_left_as_they_are(dtype, rng):
    case = draw(rng, dtype=dtype)
    before = [part.copy() for part in case]
    retrieval_scores(*case)
    for part, copy in zip(case, before, strict=True):
        assert np.array_equal(part, copy)


@pytest.mark.parametrize("function", [mean_reciprocal_rank, retrieval_scores])
def test_memory_does_not_grow_with_queries_times_items(function, rng):
    vectors = rng.normal(size=(4000, 32)).astype(np.float32)
    labels = rng.integers(0, 50, 4000)
    tracemalloc.start()
    function(vectors, vectors, labels, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64e6  # all scores would be 128 MB


def test_queries_without_a_relevant_item_count_as_0():
    case = ([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]], ["a", "zebra"], ["a", "b"])
    for function in OF_VECTORS[:1] + OF_VECTORS[3:]:
        with pytest.warns(
            UndefinedMetricWarning, match="^1 of 2 queries do not have any rel"
        ) as record:
            score = function(*case, **({"k": 1} if function is retrieval_scores else {}))
        assert [warning.filename for warning in record] == [__file__]
        expected = {"mrr": 0.5, "map": 0.5, "precision@1": 0.5, "recall@1": 0.5}
        assert score == (expected if function is retrieval_scores else 0.5)
    with pytest.warns(UndefinedMetricWarning, match="1 of 2 queries do not have any rel") as record:
        assert chance_reciprocal_rank(*case[2:]) == 0.375
    assert [warning.filename for warning in record] == [__file__]


def test_a_vector_alone_of_its_label_has_none_relevant_but_itself():
    vectors, labels = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], ["a", "b", "a"]
    with pytest.warns(UndefinedMetricWarning, match="1 of 3 queries"):
        score = mean_reciprocal_rank(vectors, vectors, labels, labels, exclude_self=True)
    assert score == pytest.approx((1 + 0 + 1) / 3)
    with pytest.warns(UndefinedMetricWarning, match="1 of 3 queries"):
        chance = chance_reciprocal_rank(labels, labels, exclude_self=True)
    assert chance == pytest.approx((3 / 4 + 0 + 3 / 4) / 3)


def test_a_single_vector_has_no_candidates():
    with pytest.warns(UndefinedMetricWarning, match="1 of 1 queries"):
        assert mean_reciprocal_rank([[1.0]], [[1.0]], ["a"], ["a"], exclude_self=True) == 0
    with pytest.warns(UndefinedMetricWarning, match="1 of 1 queries"):
        assert chance_reciprocal_rank(["a"], ["a"], exclude_self=True) == 0


@of_vectors
@pytest.mark.parametrize(("name", "value"), [("queries", np.nan), ("items", np.inf)])
def test_vectors_that_are_not_finite(function, name, value, rng):
    case = dict(zip(["queries", "items", "query_labels", "item_labels"], draw(rng), strict=True))
    case[name][[3, 7], 1] = value
    message = rf"{name}\[3\] contains NaN or infinity, as do 2 of {len(case[name])} rows"
    with pytest.raises(ValueError, match=message + " in total; .*keep = np.isfinite"):
        function(**case)


@of_vectors
def test_different_dimensions(function, rng):
    queries, items, *labels = draw(rng)
    with pytest.raises(ValueError, match="queries of dimension 5, but items of dimension 4"):
        function(queries, items[:, :4], *labels)


@of_vectors
def test_different_lengths(function, rng):
    queries, items, query_labels, item_labels = draw(rng)
    with pytest.raises(ValueError, match="got 29 query_labels for 30 vectors"):
        function(queries, items, query_labels[1:], item_labels)
    with pytest.raises(ValueError, match="got 49 item_labels for 50 vectors"):
        function(queries, items, query_labels, item_labels[1:])
    with pytest.raises(ValueError, match="same list, but got 30 and 50 of them"):
        function(queries, items, query_labels, item_labels, exclude_self=True)


def test_different_lengths_of_labels_alone():
    with pytest.raises(ValueError, match="query_labels and item_labels .* got 1 and 2 of them"):
        chance_reciprocal_rank(["a"], ["a", "b"], exclude_self=True)


@pytest.mark.parametrize("function", [precision_at_k, recall_at_k, retrieval_scores])
def test_k_out_of_range(function, rng):
    queries, items, query_labels, item_labels = draw(rng)
    with pytest.raises(ValueError, match="k=51 is greater than the 50 candidates"):
        function(queries, items, query_labels, item_labels, k=51)
    with pytest.raises(ValueError, match="k=50 is greater than the 49 candidates"):
        function(items, items, item_labels, item_labels, k=50, exclude_self=True)
    with pytest.raises(ValueError, match="k == 0, must be >= 1"):
        function(queries, items, query_labels, item_labels, k=0)
    with pytest.raises(TypeError, match="k must be an instance of"):
        function(queries, items, query_labels, item_labels, k=2.5)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", None], r"query_labels\[1\] is None, expected either strings or numbers"),
        (["a", np.nan], r"query_labels\[1\] is nan"),
        ([None, "a"], r"query_labels\[0\] is None"),
        ([1.0, np.nan], r"query_labels\[1\] is nan"),
        (["a", 1], r"query_labels\[1\] is 1,"),
        (pd.Series(["a", pd.NA]), r"query_labels\[1\] is (nan|<NA>)"),
        ([1, 2], "both strings or both numbers, got 1 and 'a'"),
        ([], "query_labels is empty"),
        (np.ones((2, 3)), "1d"),
    ],
)
def test_wrong_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        chance_reciprocal_rank(labels, ["a", "b"])
    with pytest.raises(ValueError, match=message):
        mean_reciprocal_rank(np.eye(2), np.eye(2), labels, ["a", "b"])


def test_vectors_have_two_dimensions():
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        mean_reciprocal_rank(np.ones(3), np.eye(3), ["a"], ["a", "b", "c"])


def labels_of_vggsound():
    """Label of each test clip: 305 labels of 50 clips and 4 of 49, 15,446 in all."""
    return np.repeat(np.arange(309), [50] * 305 + [49] * 4)


def test_chance_on_vggsound():
    labels = labels_of_vggsound()
    assert len(labels) == 15446
    assert round(chance_reciprocal_rank(labels, labels), 4) == 0.0186
    # A search among all others, as the clip itself would always come first.
    assert round(chance_reciprocal_rank(labels, labels, exclude_self=True), 4) == 0.0183


@pytest.mark.parametrize(("n_items", "n_relevant"), [(1, 1), (7, 1), (9, 3), (9, 9), (40, 4)])
def test_chance_by_counting(n_items, n_relevant):
    """Of all places for the relevant items, those with the first at each rank."""
    expected = sum(
        math.comb(n_items - rank, n_relevant - 1) / rank
        for rank in range(1, n_items - n_relevant + 2)
    ) / math.comb(n_items, n_relevant)
    labels = ["a"] * n_relevant + ["b"] * (n_items - n_relevant)
    assert chance_reciprocal_rank(["a"], labels) == pytest.approx(expected)


@pytest.mark.parametrize("exclude_self", [False, True])
def test_chance_is_the_mean_of_random_rankings(exclude_self, rng):
    labels = np.array([0] * 8 + [1] * 3 + [2] * 2)
    scores = []
    for row, label in enumerate(labels):
        hits = np.delete(labels, row if exclude_self else []) == label
        shuffled = rng.permuted(np.tile(hits, (10000, 1)), axis=1)
        scores.append(np.mean(1 / (1 + shuffled.argmax(axis=1))))
    chance = chance_reciprocal_rank(labels, labels, exclude_self=exclude_self)
    assert chance == pytest.approx(np.mean(scores), abs=5e-3)


def test_chance_is_what_random_vectors_get(rng):
    labels = labels_of_vggsound()[:2000]
    vectors = rng.normal(size=(2000, 32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chance = chance_reciprocal_rank(labels, labels, exclude_self=True)
        score = mean_reciprocal_rank(vectors, vectors, labels, labels, exclude_self=True)
    assert score == pytest.approx(chance, rel=0.1)


def test_chance_is_stable_and_fast_for_many_items():
    labels = np.repeat([0, 1, 2], [1, 10, 10**6])
    chance = chance_reciprocal_rank([0, 1, 2], labels)
    n_items = len(labels)
    of_one = math.fsum(1 / k for k in range(1, n_items + 1)) / n_items
    assert chance_reciprocal_rank([0], labels) == pytest.approx(of_one, rel=1e-9)
    assert 1 / 3 < chance < 0.334


def test_large_integers_of_two_types_are_different_labels():
    queries, items = np.array([[1.0, 0], [1, 0]]), np.array([[1.0, 0], [0, 1]])
    labels = np.array([2**63, 2**63 + 4], dtype=np.uint64)
    with pytest.warns(UndefinedMetricWarning):
        assert mean_reciprocal_rank(queries, items, labels, [2**62, 2**63 - 1]) == 0
