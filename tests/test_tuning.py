"""How much is compared follows the query, and is measured for queries of both kinds."""

import numpy as np
import pytest
from sklearn.utils import check_random_state

from skw2c.search import _list_file
from skw2c.search._centres import count_lists, find_centres
from skw2c.search._disk_neighbours import DiskNeighbours
from skw2c.search._neighbours import ExactNeighbours, FaissNeighbours
from skw2c.search._settings import EVERY, Setting, to_array
from skw2c.search._tuning import bound_recall, mix

from .test_neighbours import normalise, recall

WIDTH = 96
N_ITEMS = 18_000


@pytest.fixture(scope="module")
def vectors():
    """90 clusters of a few directions around a common mean."""
    rng = np.random.default_rng(0)
    centres = 0.5 + rng.normal(size=(90, WIDTH))
    spread = rng.normal(size=(N_ITEMS, 12)) @ rng.normal(size=(12, WIDTH)) / 12**0.5
    noise = 0.2 * rng.normal(size=(N_ITEMS, WIDTH))
    return normalise(centres.repeat(N_ITEMS // 90, axis=0) + 0.6 * spread + noise)


@pytest.fixture(scope="module", params=[FaissNeighbours, DiskNeighbours])
def engine(request, vectors):
    engine = request.param(vectors)
    assert engine._settings
    return engine


@pytest.fixture(scope="module")
def queries(vectors):
    """Of each kind 100: items with noise, such that are half way, and mixed ones."""
    random = check_random_state(1)
    items = vectors[random.choice(N_ITEMS, 100, replace=False)]
    noise = normalise(random.normal(size=items.shape))
    mixed = mix(items, random)
    return {
        "near": normalise(items + 0.3 * noise),
        "between": normalise(items + mixed),
        "far": mixed,
    }


def record(engine, monkeypatch):
    """Lists that are searched for each query, and candidates that are asked for, call by call."""
    seen, scan = [], engine.scan

    def watch(queries, list_scores, lists, n_candidates, kept=None):
        seen.append((lists >= 0).sum(axis=1))
        return scan(queries, list_scores, lists, n_candidates, kept)

    monkeypatch.setattr(engine, "scan", watch)
    return seen


def test_effort_follows_the_query(engine, queries, monkeypatch):
    seen = record(engine, monkeypatch)
    for some in queries.values():
        engine.search_lists(some, 10, engine._settings[0])
    near, between, far = (counts.mean() for counts in seen)
    assert near < far / 3
    assert between < far
    assert max(counts.max() for counts in seen) <= engine._settings[0].n_lists


@pytest.mark.parametrize("kind", ["near", "between", "far"])
@pytest.mark.parametrize("k", [10, 100])
def test_recall_of_each_kind(engine, queries, kind, k):
    truth = ExactNeighbours(engine.vectors).search(queries[kind], k)[1]
    assert recall(engine.search(queries[kind], k)[1], truth) >= 0.95


@pytest.mark.parametrize("some", [None, 0.95, 0.5])
def test_answers_are_the_same_in_any_batch(engine, queries, some):
    """In another order, among others, and alone, to the last bit."""
    kept = None if some is None else np.random.default_rng(0).random(N_ITEMS) < some
    every = np.concatenate(list(queries.values()))
    order = np.random.default_rng(1).permutation(len(every))
    together = engine.search(every, 10, kept)
    shuffled = engine.search(every[order], 10, kept)
    alone = [engine.search(query[None], 10, kept) for query in every[::5]]
    for part in (0, 1):
        np.testing.assert_array_equal(together[part][order], shuffled[part])
        np.testing.assert_array_equal(
            together[part][::5], np.concatenate([one[part] for one in alone])
        )


def test_no_list_is_left_out_where_few_rows_are_kept(engine, queries, monkeypatch):
    """The rows that are kept may be in none of the nearest lists."""
    settings = [Setting(k, 40, 10 * k, list_gap=1, candidate_gap=EVERY) for k in (10, 100)]
    monkeypatch.setattr(engine, "_settings", settings)
    seen = record(engine, monkeypatch)
    near = queries["near"]
    own = ExactNeighbours(engine.vectors).search(near[:1], 1)[1][0, 0] // (N_ITEMS // 90)
    elsewhere = np.arange(N_ITEMS) // (N_ITEMS // 90) != own
    for kept in elsewhere, elsewhere & (np.arange(N_ITEMS) % 2 == 0):
        rows = engine.search(near, 10, kept)[1]
        assert kept[rows].all()
        assert rows.min() >= 0
    few_gone, many_gone = seen[0], seen[-1]
    assert few_gone.mean() < many_gone.mean() == 40


def test_more_lists_where_the_nearest_hold_too_few(engine, queries, monkeypatch):
    setting = Setting(100, 40, 400, list_gap=1, candidate_gap=EVERY)
    monkeypatch.setattr(engine, "_settings", [setting])
    seen = record(engine, monkeypatch)
    k = 100
    scores, rows = engine.search(queries["near"], k)
    assert rows.min() >= 0
    assert (np.diff(scores) <= 0).all()
    first, second = seen
    assert first.max() == 1
    assert (second == 40).all()
    assert 0 < len(second) <= len(first)


def save_as_before(engine, path):
    """Write the file as versions did whose settings had no gaps."""
    engine.save(path)
    content = path.read_bytes()
    if isinstance(engine, FaissNeighbours):
        kept, n_rows = to_array(engine._settings)[:, :3], len(engine._settings)
        magic = len(b"skw2c neighbours 2\n")
    else:
        kept, n_rows = to_array(engine._settings, 2)[:, :3], 2
        magic = len(b"skw2c lists 1\n")
    with open(path, "wb") as file:
        file.write(content[:magic])
        np.save(file, kept)
        rest = magic + 128 + 8 * 5 * n_rows
        if isinstance(engine, DiskNeighbours):
            start, lists = engine._file.start, engine._file
            file.write(content[rest : rest + 2 * 128 + lists.centres.nbytes + lists.sizes.nbytes])
            file.write(bytes(-file.tell() % 64))
            rest = start
        file.write(content[rest:])


def test_files_of_earlier_versions(engine, queries, tmp_path):
    """All queries are searched in as many lists, as they were then."""
    save_as_before(engine, tmp_path / "old")
    old = type(engine).load(tmp_path / "old", engine.vectors)
    assert old._settings == [setting.widest() for setting in engine._settings]
    for kind in "near", "far":
        truth = ExactNeighbours(engine.vectors).search(queries[kind], 10)[1]
        assert recall(old.search(queries[kind], 10)[1], truth) >= 0.95


def test_gaps_are_the_same_in_a_file(engine, queries, tmp_path):
    engine.save(tmp_path / "saved")
    again = type(engine).load(tmp_path / "saved", engine.vectors)
    assert again._settings == engine._settings
    assert min(setting.list_gap for setting in again._settings) < EVERY
    for some in queries.values():
        for one, other in zip(engine.search(some, 10), again.search(some, 10), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("numbers", [(10, 1, 40, 1), (10, 1, 40, 1, 1, 1), (10, 1)])
def test_settings_that_are_none(tmp_path, numbers):
    with open(tmp_path / "odd", "wb") as file:
        file.write(_list_file._MAGIC)
        np.save(file, np.array([numbers]))
    with pytest.raises(ValueError, match="or is damaged: its settings are"):
        DiskNeighbours.load(tmp_path / "odd", np.eye(3, dtype=np.float32))


def test_what_is_scattered_is_not_one_list():
    """A tenth of the vectors in clusters of their own, beside large ones."""
    rng = np.random.default_rng(0)
    large = rng.normal(size=(9, 32)).repeat(1600, axis=0)
    small = rng.normal(size=(400, 32)).repeat(4, axis=0)
    vectors = np.concatenate([large, small]) + 0.3 * rng.normal(size=(16_000, 32))
    vectors = normalise(vectors + 1)
    centres = find_centres(vectors, 256, check_random_state(0))
    sizes = np.bincount((vectors @ centres.T).argmax(axis=1), minlength=len(centres))
    assert abs(len(centres) - 256) < 16
    assert sizes.max() < 8 * sizes.mean()


@pytest.mark.parametrize("n_items", [2**14, 10**6, 10**7])
def test_number_of_lists(n_items):
    assert 1 < count_lists(n_items) / n_items**0.5 < 3


def test_bound_of_recall():
    """All found: no error. Half of the queries without any: less by twice 0.5 / 10."""
    assert bound_recall(np.full(100, 10), 0, 10) == 1
    np.testing.assert_allclose(bound_recall(np.repeat([0, 10], 50), 0, 10), 0.5 - 2 * 0.05)
    assert bound_recall(np.full(100, 1), 1, 10) == 0
