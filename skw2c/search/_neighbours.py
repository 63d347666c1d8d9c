"""Nearest neighbours by cosine among unit vectors: exact, or quick by faiss."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state

from ._arrays import ArrayReader, open_buffer
from ._codes import Codes, import_faiss, take_apart
from ._comparison import (
    SLACK,
    SPARE,
    check_k,
    compare,
    compute_cosines,
    keep_best,
    rank,
    refusing_damage,
)

_SMALLEST = 2**14  # vectors; fewer are quicker compared than divided into lists
PER_LIST = 64  # vectors per list to train from
_ROUNDS = 10  # of k-means
_MAGIC = b"skw2c neighbours 2\n"
_MOST_SETTINGS = 16
_TUNED = (10, 100)  # neighbours for which faiss is tuned
_TRIALS = 256  # queries of each kind to tune with
_CANDIDATES = 1 / 16  # of all vectors at most; beyond, all are compared
_FEW_GONE = 0.1  # of all vectors, which the settings leave room for


class Neighbours(Protocol):
    """What all engines offer.

    Attributes
    ----------
    method : str
        What it is called.
    vectors : ndarray of shape (n_items, n_features), float32
        What it searches.
    """

    method: str
    vectors: np.ndarray

    def search(
        self, queries: np.ndarray, k: int, kept: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the ``k`` vectors of largest cosine to each of the queries.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, n_features), float32, of length 1
        k : int
        kept : ndarray of shape (n_items,), bool, or None, default=None
            The rows among which to look, at least ``k``. None: all.

        Returns
        -------
        scores : ndarray of shape (n_queries, k), float64
            Cosines, descending.
        rows : ndarray of shape (n_queries, k), int64
            Rows of the vectors, ascending where cosines are equal.
        """


class ExactNeighbours:
    """Compare each query with all vectors.

    scikit-learn finds the nearest ones block by block, in all threads. Where its rounding
    could decide between rows at the margin, such as copies of one sound, the query is
    compared again.

    Parameters
    ----------
    vectors : ndarray of shape (n_items, n_features), float32
        Of length 1 and contiguous by rows; kept, not copied.
    """

    method = "exact"

    def __init__(self, vectors: np.ndarray):
        self.vectors = vectors
        # Of the metrics computed without a matrix of queries by items, the one that orders
        # unit vectors as the cosine does; metric="cosine" is not among them.
        finder = NearestNeighbors(algorithm="brute", metric="sqeuclidean")
        with refusing_damage():
            self._finder = finder.fit(vectors)

    def search(
        self, queries: np.ndarray, k: int, kept: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the ``k`` vectors of largest cosine, see `Neighbours.search`."""
        check_k(k, self.vectors, kept)
        if kept is not None:
            return compare(self.vectors, queries, kept, k)
        n_found = min(k + SPARE, len(self.vectors))
        found = self._finder.kneighbors(queries, n_found, return_distance=False)
        scores, rows = rank(self.vectors, queries, found, n_found)
        if n_found < len(self.vectors):
            # What was not found scores at most the last, but for rounding.
            for at in np.flatnonzero(scores[:, k - 1] < scores[:, -1] + SLACK):
                scores[at, :k], rows[at, :k] = self._compare(queries[at], k)
        return scores[:, :k], rows[:, :k]

    def _compare(self, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rank all vectors that may be among the first ``k``."""
        rough = self.vectors @ query
        near = np.flatnonzero(rough >= np.partition(rough, -k)[-k] - 2 * SLACK)
        scores, rows = rank(self.vectors, query[None], near[None], k)
        return scores[0], rows[0]


class ListNeighbours:
    """Compare each query with the vectors of some lists, by short codes.

    k-means divides the vectors into lists. In those nearest to a query all codes are
    compared, and the best candidates are ranked by their true cosines. How many lists and
    candidates it takes is measured at the end of building, for 10 and for 100 neighbours,
    with items as queries and with queries that resemble no item. Where no setting reaches
    the recall, for more neighbours, and for few vectors, all vectors are compared.

    The same vectors, ``random_state`` and number of threads give the same answers.

    Parameters
    ----------
    vectors : ndarray of shape (n_items, n_features), float32
        Of length 1 and contiguous by rows; kept, not copied.
    recall : float, default=0.95
        Share of the true nearest neighbours to be found, on average, by either kind of
        query. The average less twice its standard error must reach it.
    random_state : int, RandomState or None, default=0
        Draws the vectors to train and to tune with.
    """

    method: str
    saved_as: str | None = None
    """The name of the file that it was read from or written to."""
    path: str | None = None
    """Where that file is."""

    def __init__(self, vectors: np.ndarray, *, recall: float = 0.95, random_state=0):
        import_faiss()
        self.vectors = vectors
        self._index, self._settings = None, []
        if len(vectors) >= _SMALLEST:
            random = check_random_state(random_state)
            self._build(random)
            self._settings = self._tune(recall, random)
        if not self._settings:
            self._forget()

    def search(
        self, queries: np.ndarray, k: int, kept: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find ``k`` vectors of the largest cosines, see `Neighbours.search`."""
        check_k(k, self.vectors, kept)
        queries = np.ascontiguousarray(queries)
        setting = self._find_setting(k, kept)
        if setting is None:
            return self._search_all(queries, k, kept)
        scores, rows = self._search_lists(queries, k, *setting, kept)
        short = np.flatnonzero(rows[:, -1] < 0)  # their lists hold fewer than k
        if short.size:
            scores[short], rows[short] = self._search_all(queries[short], k, kept)
        return scores, rows

    @classmethod
    def load(cls, path: str | os.PathLike, vectors: np.ndarray):
        """Read what was saved.

        Parameters
        ----------
        path : str or os.PathLike
        vectors : ndarray of shape (n_items, n_features), float32
            The same as when it was saved.

        Raises
        ------
        ValueError
            The file is damaged, of vectors of another number or width, or of a faiss that
            codes otherwise.
        """
        return cls.read(path, open_buffer(path), vectors)

    @classmethod
    def read(cls, path: str | os.PathLike, buffer, vectors: np.ndarray):
        """As `load`, from the content of the file."""
        raise NotImplementedError

    def _build(self, random) -> None:
        """Make what is searched in."""
        raise NotImplementedError

    def _forget(self) -> None:
        """Drop what is not used to search."""
        raise NotImplementedError

    def _check_rows(self, rows: np.ndarray) -> None:
        """Refuse rows that there are none of, where what is searched in may hold such."""

    def _find_setting(self, k: int, kept: np.ndarray | None) -> tuple[int, int] | None:
        """Lists and candidates for ``k`` neighbours; None if all vectors are to be compared.

        Of the nearest vectors only some are kept: it takes as much to find ``k`` of them as to
        find more among all.
        """
        share = 1.0 if kept is None else kept.sum() / len(kept)
        wanted = k if share >= 1 - _FEW_GONE else k / share
        return next((setting[1:] for setting in self._settings if setting[0] >= wanted), None)

    def _search_all(self, queries, k, kept=None):
        if kept is not None:
            return compare(self.vectors, queries, kept, k)
        faiss = import_faiss()
        n_found = min(k + SPARE, len(self.vectors))
        _, rows = faiss.knn(queries, self.vectors, n_found, metric=faiss.METRIC_INNER_PRODUCT)
        return rank(self.vectors, queries, rows, k)

    def _search_lists(self, queries, k, n_lists, n_candidates, kept=None):
        """Search the nearest lists; row -1 stands where they hold fewer than ``k``."""
        faiss = import_faiss()
        chosen = {}
        if kept is not None:
            chosen["sel"] = faiss.IDSelectorBitmap(np.packbits(kept, bitorder="little"))
        parameters = faiss.SearchParametersIVF(nprobe=n_lists, **chosen)
        n_candidates = min(n_candidates, len(self.vectors))
        _, rows = self._index.search(queries, n_candidates, params=parameters)
        self._check_rows(rows)
        return rank(self.vectors, queries, keep_best(self.vectors, queries, rows, k), k)

    def _tune(self, recall, random):
        """For each number of neighbours the lists to search and the candidates to rank."""
        items = self.vectors[draw_rows(self.vectors, _TRIALS, random)]
        trials = [
            (queries, n_own, self._search_all(queries, max(_TUNED))[0])
            for queries, n_own in ((items, 1), (mix(items, random), 0))
        ]
        settings = [(k, *self._choose(k, recall, trials)) for k in _TUNED]
        return [setting for setting in settings if setting[1]]

    def _choose(self, k, recall, trials):
        """Fewest candidates that suffice in all lists, then the fewest lists; 0 if none do."""
        # Half of what may be missed is left to the lists.
        n_candidates = self._count_candidates(k, (1 + recall) / 2, trials)
        if not n_candidates:
            return 0, 0
        choices = np.unique(np.geomspace(1, self._index.nlist, 24).astype(int)).tolist()
        enough = bisect_left(
            choices[:-1], recall, key=lambda n: self._measure(k, n, n_candidates, trials)
        )
        return choices[enough], n_candidates

    def _count_candidates(self, k, recall, trials):
        """Fewest candidates from all lists that suffice, of 4, 8, 16, ... times ``k``; 0: none."""
        most = int(_CANDIDATES * len(self.vectors))
        # To search all lists takes long, and what is found first is what fewer candidates are.
        for factors in (4, 8, 16, 32, 64), (128, 256), (512, 1024):
            factors = [factor for factor in factors if factor * k <= most]
            if not factors:
                break
            places = [
                self._find_places(queries, k, factors[-1] * k, truth)
                for queries, _, truth in trials
            ]
            for factor in factors:
                hits = [(where < factor * k).sum(axis=1) for where in places]
                owns = [n_own for _, n_own, _ in trials]
                if min(map(bound_recall, hits, owns, [k] * len(hits))) >= recall:
                    return factor * k
        return 0

    def _find_places(self, queries, k, n_candidates, truth):
        """Where among the candidates the true neighbours stand (n_queries, k), nearest first."""
        parameters = import_faiss().SearchParametersIVF(nprobe=self._index.nlist)
        _, rows = self._index.search(np.ascontiguousarray(queries), n_candidates, params=parameters)
        self._check_rows(rows)
        places = np.full((len(queries), k), n_candidates)
        are_true = compute_cosines(self.vectors, queries, rows) >= truth[:, k - 1 : k]
        for own, is_true in zip(places, are_true & (rows >= 0), strict=True):
            found = np.flatnonzero(is_true)[:k]
            own[: len(found)] = found
        return places

    def _measure(self, k, n_lists, n_candidates, trials):
        """Recall less twice its standard error, for the kind of queries that fares worst."""
        bounds = []
        for queries, n_own, truth in trials:
            scores, _ = self._search_lists(queries, k, n_lists, n_candidates)
            hits = (scores >= truth[:, k - 1 : k]).sum(axis=1)
            bounds.append(bound_recall(hits, n_own, k))
        return min(bounds)


def bound_recall(hits, n_own, k):
    """Recall less twice its standard error, from how many of ``k`` neighbours each query found.

    Hits are told by the cosine, so that copies stand for each other. A vector that finds itself
    does not count.
    """
    shares = (hits - n_own) / (k - n_own)
    return shares.mean() - 2 * shares.std() / len(shares) ** 0.5


class FaissNeighbours(ListNeighbours):
    """Search lists by codes of 4 bits for 2 numbers, which faiss holds in memory.

    Parameters
    ----------
    vectors, recall, random_state
        As for `ListNeighbours`.
    """

    method = "faiss"

    def save(self, path: str | os.PathLike) -> None:
        """Write lists, codes and settings, without the vectors."""
        with open(path, "wb") as file:
            file.write(_MAGIC)
            np.save(file, np.array(self._settings, np.int64).reshape(-1, 3), allow_pickle=False)
            if self._codes is not None:
                self._codes.write(file)

    @classmethod
    def read(
        cls,
        path: str | os.PathLike,
        buffer,
        vectors: np.ndarray,
        rows: slice = slice(None),
        n_saved: int | None = None,
    ) -> FaissNeighbours:
        """As `load`, from the content of the file; perhaps of some rows of what it is of.

        Parameters
        ----------
        path : str or os.PathLike
            What errors name.
        buffer : bytes or mmap
        vectors : ndarray of shape (n_items, n_features), float32
        rows : slice, default=slice(None)
            Which of the saved rows the vectors are.
        n_saved : int or None, default=None
            How many vectors it is of; None: of those that are given.
        """
        import_faiss()
        n_saved = len(vectors) if n_saved is None else n_saved
        engine = cls.__new__(cls)
        with naming_damage(path):
            engine._settings, codes = read_saved(buffer, (n_saved, vectors.shape[1]))
            engine.vectors, engine._codes = vectors, codes and codes.select(rows)
            engine._index = codes and engine._codes.assemble()
        return engine

    def _build(self, random) -> None:
        self._codes = take_apart(train_index(self.vectors, random), self.vectors)
        self._index = self._codes.assemble()

    def _forget(self) -> None:
        self._index = self._codes = None


@contextmanager
def naming_damage(path: str | os.PathLike) -> Iterator[None]:
    """Turn what is wrong with a saved search structure into an error that names its file."""
    try:
        yield
    except (ValueError, RuntimeError) as exc:  # the latter is how faiss complains
        raise ValueError(
            f"{os.fspath(path)!r} is not a saved search structure of these vectors, or is "
            f"damaged: {exc}"
        ) from exc


def train_index(vectors, random):
    """An empty index that knows how to divide vectors like these into lists, and to encode them."""
    faiss = import_faiss()
    n_items, width = vectors.shape
    n_lists = count_lists(n_items)
    sample = vectors[draw_rows(vectors, n_lists * PER_LIST, random)]
    coarse = faiss.IndexFlatIP(width)
    coarse.add(find_centres(sample, n_lists, random))
    n_codes = width if width % 2 else width // 2
    index = faiss.IndexIVFPQFastScan(coarse, width, n_lists, n_codes, 4, faiss.METRIC_INNER_PRODUCT)
    index.train(sample)
    return index


def count_lists(n_items: int) -> int:
    """About as many lists as vectors in a list."""
    return 2 ** round(np.log2(n_items) / 2)


def find_centres(sample, n_lists, random):
    """Directions of k-means, shortened so that least remains between vectors and centres."""
    seed = int(random.randint(2**31 - 1))
    clustering = import_faiss().Kmeans(
        sample.shape[1], n_lists, niter=_ROUNDS, spherical=True, seed=seed
    )
    clustering.train(sample)
    cosines, _ = clustering.index.search(sample, 1)
    return clustering.centroids * cosines.mean()


def draw_rows(vectors, n_rows, random):
    """Draw different rows, ascending as a file is read best."""
    n_rows = min(n_rows, len(vectors))
    return np.sort(random.choice(len(vectors), n_rows, replace=False))


def mix(items, random):
    """Unit vectors with the items' numbers in each column, which belong to no cluster.

    Each is the sum of two, nearer to the mean of the items than they are, where neighbours
    are spread over the most lists.
    """
    mixed = np.zeros(items.shape, np.float32)
    for _ in range(2):
        order = np.argsort(random.random_sample(items.shape), axis=0)
        mixed += np.take_along_axis(np.asarray(items), order, 0)
    return mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), SLACK)


def read_saved(buffer, shape):
    """Read settings and codes for vectors of a shape, and check them."""
    if buffer[: len(_MAGIC)] != _MAGIC:
        raise ValueError("it does not begin as one that this version writes")
    reader = ArrayReader(buffer, len(_MAGIC))
    settings = read_settings(reader)
    if not settings:
        return [], None
    codes = Codes.read(reader, shape)
    check_settings(settings, codes.n_lists)
    return settings, codes


def read_settings(reader, lowest=1):
    """Read the numbers of neighbours, and of the lists and candidates that they take."""
    settings = reader.read("<i8", 2)
    if not len(settings):
        return []
    if settings.shape[1] != 3 or len(settings) > _MOST_SETTINGS or settings.min() < lowest:
        raise ValueError(f"its settings are {settings.tolist()[:3]}")
    return [tuple(setting) for setting in settings.tolist()]


def check_settings(settings, n_lists):
    """Refuse settings for more lists than there are."""
    if max(setting[1] for setting in settings) > n_lists:
        raise ValueError(f"its settings are for more lists than the {n_lists} in it")
