"""Both engines find the nearest neighbours, and the faiss one as many as it promises."""

import os
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.speed import search
from skw2c.exceptions import OptionalDependencyError
from skw2c.search import _engines, _neighbours
from skw2c.search._codes import Codes
from skw2c.search._engines import choose_engine
from skw2c.search._neighbours import ExactNeighbours, FaissNeighbours
from skw2c.search._settings import EVERY, Setting
from skw2c.search._tuning import mix

from .conftest import REPOSITORY
from .tolerances import assert_close

WIDTH = 64
KINDS = ["clusters", "even"]


def normalise(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def draw(kind, n_items, seed=0):
    """Draw items in 40 uneven clusters of few directions, or in even directions."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(n_items, WIDTH))
    if kind == "even":
        return normalise(noise)
    centres = 1 + rng.normal(size=(40, WIDTH))
    centres = centres[rng.choice(40, n_items, p=rng.dirichlet(np.ones(40)))]
    spread = noise[:, :8] @ rng.normal(size=(8, WIDTH)) / 8**0.5
    return normalise(centres + spread + 0.1 * noise)


@pytest.fixture(scope="module", params=KINDS)
def engine(request):
    return FaissNeighbours(draw(request.param, 20000))


@pytest.fixture
def small():
    return draw("clusters", 500)


def search_slowly(vectors, queries, k):
    """All cosines, where a rounding of float64 does not decide between copies."""
    cosines = np.round(queries.astype(float) @ vectors.astype(float).T, 12)
    rows = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(cosines, rows, 1), rows


def recall(found, truth):
    return np.mean([np.isin(true, rows).mean() for rows, true in zip(found, truth, strict=True)])


def assert_valid(engine, queries, scores, rows):
    """Scores are the cosines of the rows, and order them."""
    assert scores.shape == rows.shape
    assert rows.dtype == np.int64
    cosines = np.einsum("ij,ikj->ik", queries, engine.vectors[rows], dtype=float)
    np.testing.assert_allclose(scores, cosines, rtol=0, atol=1e-9)
    assert (np.diff(scores) <= 0).all()
    assert (np.diff(rows)[np.diff(scores) == 0] > 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 10, 3000])
def test_exact(kind, k):
    vectors, queries = draw(kind, 3000), draw(kind, 20, seed=1)
    engine = ExactNeighbours(vectors)
    scores, rows = engine.search(queries, k)
    true_scores, true_rows = search_slowly(vectors, queries, k)
    np.testing.assert_array_equal(rows, true_rows)
    np.testing.assert_allclose(scores, true_scores, rtol=0, atol=1e-11)
    assert_valid(engine, queries, scores, rows)


@pytest.mark.parametrize("k", [1, 5, 150])
def test_copies_are_ordered_by_row(small, k):
    """Of more copies than are fetched to spare, the first ones are found."""
    rng = np.random.default_rng(0)
    vectors = small[rng.integers(0, 8, 500)]
    queries = np.concatenate([small[:8], draw("even", 8)])
    _, rows = ExactNeighbours(vectors).search(queries, k)
    np.testing.assert_array_equal(rows, search_slowly(vectors, queries, k)[1])


def test_margin_is_decided_by_the_cosine():
    """Vectors of length 1 but for rounding are found by direction, whatever the rounding."""
    rng = np.random.default_rng(0)
    vectors = normalise(np.ones(8) + 1e-7 * rng.normal(size=(400, 8)))
    queries = vectors[:5]
    scores, _ = ExactNeighbours(vectors).search(queries, 3)
    every, _ = ExactNeighbours(vectors).search(queries, 400)
    np.testing.assert_array_equal(scores, every[:, :3])


def test_answers_do_not_depend_on_the_batch(engine):
    queries = draw("clusters", 30, seed=1)
    exact = ExactNeighbours(engine.vectors)
    together = exact.search(queries, 10)
    alone = [exact.search(query[None], 10) for query in queries]
    for part in (0, 1):
        np.testing.assert_array_equal(together[part], np.concatenate([one[part] for one in alone]))
    scores, rows = engine.search(queries, 10)
    for query, its_scores, its_rows in zip(queries, scores, rows, strict=True):
        every = exact.search(query[None], len(engine.vectors))
        assert (
            dict(zip(its_rows, its_scores, strict=True)).items()
            <= dict(zip(every[1][0], every[0][0], strict=True)).items()
        )


@pytest.mark.parametrize("k", [1, 10, 30, 150])
def test_faiss_recall(engine, k):
    """By items with noise, by mixtures of items, and by queries that are like none."""
    exact = ExactNeighbours(engine.vectors)
    for queries in draw_queries(engine):
        scores, rows = engine.search(queries, k)
        assert_valid(engine, queries, scores, rows)
        assert recall(rows, exact.search(queries, k)[1]) >= 0.95


def draw_queries(engine):
    """Queries of three kinds."""
    rng = np.random.default_rng(0)
    items = engine.vectors[rng.choice(20000, 300)]
    near = normalise(items + 0.05 * rng.normal(size=(300, WIDTH)))
    mixed = mix(items, np.random.RandomState(4))
    return near, mixed, draw("even", 300, seed=5)


def test_faiss_compares_few(engine):
    """The lists are used, for no more than they were tuned for."""
    setting = engine._settings[0]
    assert setting.n_neighbours == 10
    assert 1 <= setting.n_lists <= engine.n_lists <= 20000 / 50
    assert setting.n_candidates <= 20000 / 16
    assert max(setting.list_gap, setting.candidate_gap) < EVERY


def test_faiss_falls_back():
    """Where lists cannot reach the recall, all vectors are compared."""
    vectors = draw("even", 20000)
    engine = FaissNeighbours(vectors, recall=1.1)
    assert engine._index is None
    queries = draw("even", 50, seed=1)
    np.testing.assert_array_equal(
        engine.search(queries, 10)[1], ExactNeighbours(vectors).search(queries, 10)[1]
    )


@pytest.mark.parametrize("k", [1500, 2000])
def test_lists_that_hold_too_few(engine, monkeypatch, k):
    monkeypatch.setattr(engine, "_settings", [Setting(2000, 1, 2000)])
    queries = draw("clusters", 5, seed=1)
    scores, rows = engine.search(queries, k)
    assert_valid(engine, queries, scores, rows)
    assert rows.min() >= 0


def test_faiss_is_deterministic(engine):
    queries = draw("clusters", 50, seed=1)
    again = FaissNeighbours(engine.vectors)
    assert again._settings == engine._settings
    for one, other in zip(engine.search(queries, 10), again.search(queries, 10), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_few_columns(width):
    vectors = normalise(np.random.default_rng(0).normal(size=(17000, width)))
    engine, exact = FaissNeighbours(vectors), ExactNeighbours(vectors)
    (scores, rows), (true, _) = engine.search(vectors[:40], 10), exact.search(vectors[:40], 10)
    assert_valid(engine, vectors[:40], scores, rows)
    assert (scores >= true[:, -1:]).mean() >= 0.95


def test_copies_in_lists():
    """Ten sounds, each many times."""
    vectors = np.tile(draw("even", 10), (2000, 1))
    scores, _ = FaissNeighbours(vectors).search(vectors[:10], 10)
    assert_close(scores, 1)


@pytest.mark.parametrize("make", [ExactNeighbours, FaissNeighbours])
@pytest.mark.parametrize("n_items", [1, 2, 30])
def test_few_items(make, n_items):
    vectors = draw("even", n_items)
    _, rows = make(vectors).search(vectors, n_items)
    np.testing.assert_array_equal(rows, search_slowly(vectors, vectors, n_items)[1])
    for k in (0, n_items + 1):
        with pytest.raises(ValueError, match=f"k is {k}; it must be from 1 to .* {n_items}"):
            make(vectors).search(vectors, k)


def kept_rows(kind, n_items):
    """Masks that keep most rows, some, and a handful of them."""
    shares = {"most": 0.95, "two thirds": 2 / 3, "a tenth": 0.1, "few": 0.003}
    return np.random.default_rng(3).random(n_items) < shares[kind]


@pytest.mark.parametrize("share", ["most", "two thirds", "a tenth", "few"])
@pytest.mark.parametrize("k", [1, 10, 50])
def test_exact_among_some_rows(share, k):
    vectors, queries = draw("clusters", 20_000), draw("clusters", 20, seed=1)
    kept = kept_rows(share, len(vectors))
    scores, rows = ExactNeighbours(vectors).search(queries, k, kept)
    true_scores, true_rows = search_slowly(vectors[kept], queries, k)
    np.testing.assert_array_equal(rows, np.flatnonzero(kept)[true_rows])
    np.testing.assert_allclose(scores, true_scores, rtol=0, atol=1e-11)


@pytest.mark.parametrize("share", ["most", "two thirds", "a tenth", "few"])
def test_faiss_recall_among_some_rows(engine, share):
    kept = kept_rows(share, len(engine.vectors))
    for queries in draw_queries(engine):
        scores, rows = engine.search(queries, 10, kept)
        assert_valid(engine, queries, scores, rows)
        assert kept[rows].all()
        truth = ExactNeighbours(engine.vectors).search(queries, 10, kept)[1]
        assert recall(rows, truth) >= 0.95


@pytest.mark.parametrize("make", [ExactNeighbours, FaissNeighbours])
def test_copies_among_some_rows_are_ordered(small, make):
    rng = np.random.default_rng(0)
    vectors = small[rng.integers(0, 8, 500)]
    kept = rng.random(500) < 0.6
    _, rows = make(vectors).search(small[:8], 20, kept)
    truth = search_slowly(vectors[kept], small[:8], 20)[1]
    np.testing.assert_array_equal(rows, np.flatnonzero(kept)[truth])


def assert_same(engine, other):
    queries = draw("clusters", 50, seed=1)
    for one, two in zip(engine.search(queries, 10), other.search(queries, 10), strict=True):
        np.testing.assert_array_equal(one, two)


def test_save_and_load(engine, tmp_path):
    engine.save(tmp_path / "index")
    assert [path.name for path in tmp_path.iterdir()] == ["index"]
    other = FaissNeighbours.load(tmp_path / "index", engine.vectors)
    assert other._settings == engine._settings
    assert_same(engine, other)
    with pytest.raises(ValueError, match="it is of 20000 vectors, and there are 19999"):
        FaissNeighbours.load(tmp_path / "index", engine.vectors[:-1])


def test_save_and_load_few_items(small, tmp_path):
    FaissNeighbours(small).save(tmp_path / "index")
    assert_same(FaissNeighbours(small), FaissNeighbours.load(tmp_path / "index", small))


def test_damaged_files(engine, tmp_path):
    """Whatever is in the file, faiss gets numbers that it can stand; the list has a checksum."""
    path = tmp_path / "index"
    engine.save(path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in [*range(0, 300, 11), *rng.choice(len(content) - 200, 30)]:
        changed = bytearray(content)
        changed[place] ^= 255
        check_refused_or_sane(path, bytes(changed), engine.vectors)
    for size in (0, 1, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match="not a saved search structure .*, or is damaged"):
            FaissNeighbours.load(path, engine.vectors)
    with pytest.raises(FileNotFoundError):
        FaissNeighbours.load(tmp_path / "absent", engine.vectors)


def check_refused_or_sane(path, content, vectors):
    path.write_bytes(content)
    try:
        other = FaissNeighbours.load(path, vectors)
    except ValueError as exc:
        assert "damaged" in str(exc)  # noqa: PT017
    else:
        scores, rows = other.search(vectors[:20], 10)
        np.testing.assert_allclose(
            scores, np.einsum("qd,qkd->qk", vectors[:20], vectors[rows]), atol=1e-5
        )


def changed_codes(change):
    def write(engine, path):
        if engine._codes is None:
            pytest.skip("all vectors are compared, by no structure")
        codes = Codes(*(array.copy() for array in vars(engine._codes).values()))
        settings = change(codes)
        other = FaissNeighbours.__new__(FaissNeighbours)
        other._codes, other._settings = codes, settings or engine._settings
        other.save(path)

    return write


def set_to(name, value, place=0):
    def change(codes):
        getattr(codes, name).flat[place] = value

    return changed_codes(change)


@pytest.mark.parametrize(
    "write",
    [
        set_to("lists", -1),
        set_to("lists", 2**31 - 1),
        set_to("lists", 20_000, place=19_999),
        set_to("centres", np.nan),
        set_to("centres", 1e30),
        set_to("books", np.inf),
        changed_codes(lambda codes: [(10, 10**6, 40)]),
        changed_codes(lambda codes: [(10, 0, 40)]),
        changed_codes(lambda codes: [(10, 1, -1)]),
        changed_codes(lambda codes: [(10, 1, 40, -1, 1)]),
        changed_codes(lambda codes: setattr(codes, "lists", codes.lists[:-1])),
        changed_codes(lambda codes: setattr(codes, "codes", codes.codes[:, :-1])),
        changed_codes(lambda codes: setattr(codes, "codes", codes.codes.astype(np.int64))),
        changed_codes(lambda codes: setattr(codes, "books", codes.books[:-1])),
        changed_codes(lambda codes: setattr(codes, "books", codes.books[:0])),
        changed_codes(lambda codes: setattr(codes, "centres", codes.centres[:0])),
        changed_codes(lambda codes: setattr(codes, "centres", codes.centres.T)),
    ],
)
def test_search_structures_that_somebody_wrote(engine, tmp_path, write):
    """Lists that are not there once ended the process."""
    write(engine, tmp_path / "index")
    with pytest.raises(ValueError, match="or is damaged: it"):
        FaissNeighbours.load(tmp_path / "index", engine.vectors)


def test_what_faiss_wrote_is_not_read(tmp_path, small):
    """Bytes of faiss go to native code as they are."""
    import faiss

    with open(tmp_path / "index", "wb") as file:
        index = faiss.serialize_index(faiss.IndexFlatIP(WIDTH))
        np.savez(file, index=index, settings=np.empty((0, 3), np.int64))
    with pytest.raises(ValueError, match="does not begin as one that this version writes"):
        FaissNeighbours.load(tmp_path / "index", small)


def test_what_is_put_together_is_what_faiss_builds(engine):
    """Bit for bit, so that searching in it is no other than in the original."""
    import faiss
    from sklearn.utils import check_random_state

    if engine._codes is None:
        pytest.skip("all vectors are compared, by no structure")
    built = _neighbours.train_index(engine.vectors, check_random_state(0))
    built.add(engine.vectors)
    assert bytes(faiss.serialize_index(built)) == bytes(faiss.serialize_index(engine._index))


@pytest.mark.parametrize("make", [ExactNeighbours, FaissNeighbours])
def test_mapped_file_is_not_copied(tmp_path, make):
    vectors = draw("clusters", 17000)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    engine = make(mapped)
    assert engine.vectors is mapped
    if make is ExactNeighbours:
        assert np.shares_memory(engine._finder._fit_X, mapped)
    assert_same(make(vectors), engine)


def test_choice(monkeypatch):
    monkeypatch.setattr(_engines, "AUTO_THRESHOLD", 100)
    assert choose_engine("auto", 99) is ExactNeighbours
    assert choose_engine("auto", 100) is FaissNeighbours
    assert choose_engine("exact", 10**9) is ExactNeighbours
    assert choose_engine("faiss", 1) is FaissNeighbours
    with pytest.raises(ValueError, match="method is 'fast'; it must be one of 'auto', 'exact'"):
        choose_engine("fast", 1)


def test_without_faiss(monkeypatch, small):
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert choose_engine("auto", 10**9) is ExactNeighbours
    message = r"method='faiss' needs the package 'faiss'.*pip install \"skw2c\[search\]\""
    with pytest.raises(OptionalDependencyError, match=message):
        choose_engine("faiss", 1)
    with pytest.raises(OptionalDependencyError, match=message):
        FaissNeighbours(small)


@pytest.mark.parametrize("packages", ["torch, faiss", "faiss, torch"])
def test_beside_torch(packages):
    """Both bring OpenMP; in whatever order they come, both work."""
    program = f"""
import {packages}
import numpy as np
from skw2c.search._neighbours import FaissNeighbours
vectors = np.random.default_rng(0).normal(size=(17000, 16)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
first = torch.ones(500, 500) @ torch.ones(500, 500)
engine = FaissNeighbours(vectors)
second = torch.ones(500, 500) @ torch.ones(500, 500)
assert engine._settings and (first == second).all()
print((engine.search(vectors[:100], 10)[1][:, 0] == np.arange(100)).all())
"""
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=True
    )
    assert result.stdout == "True\n"


def test_import_loads_neither_faiss_nor_torch():
    program = "import sys, skw2c.search._neighbours; print({'faiss', 'torch'} & set(sys.modules))"
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"


def test_benchmark(tmp_path):
    command = ["-m", "benchmarks.speed.search", "--items", "3000", "--queries", "50"]
    result = subprocess.run(  # noqa: S603
        [sys.executable, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert result.returncode == 0, result.stderr
    table = [line.split("|")[1:-1] for line in result.stdout.splitlines() if line[:1] == "|"]
    engines = ["skw2c, exact", "skw2c, faiss", "NearestNeighbors(metric='cosine')"]
    assert [row[0].strip() for row in table[2:]] == engines
    recalls = [float(row[4]) for row in table[2:]]
    assert recalls[0] == 1
    assert min(recalls) > 0.99
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("distribution", ["clusters", "gaussian"])
def test_benchmark_data(tmp_path, distribution):
    """Of unit length; near queries resemble an item, far ones do not."""
    arguments = ["--items", "3000", "--queries", "50", "--distribution", distribution]
    search.generate(tmp_path, search.parse_arguments(arguments))
    items, queries = np.load(tmp_path / "items.npy"), np.load(tmp_path / "queries.npy")
    assert items.shape == (3000, 512)
    assert queries.shape == (50, 512)
    for vectors in (items, queries):
        assert vectors.dtype == np.float32
        assert_close(np.linalg.norm(vectors, axis=1), 1)
    best = (queries @ items.T).max(axis=1)
    assert best[:45].min() > 0.9
    assert best[45:].max() < 0.8
