"""Nearest neighbours by cosine among unit vectors: exact, or quick by faiss."""

from __future__ import annotations

import os
from bisect import bisect_left
from itertools import count, takewhile
from typing import Protocol

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state

from ..exceptions import OptionalDependencyError
from ._arrays import read_array
from ._codes import Codes, import_faiss, take_apart

# From here on "auto" takes faiss. Below, the exact engine answers hundreds of queries a second.
AUTO_THRESHOLD = 50_000

# More than float32 can err in a cosine.
_SLACK = 1e-5
# Rows fetched beyond k, so that rounding at the margin does not decide which are found.
_SPARE = 16
# Numbers of float64 that are held at once when cosines are computed.
_BLOCK = 2**22

_SMALLEST = 2**14  # vectors; fewer are quicker compared than divided into lists
_PER_LIST = 64  # vectors per list to train from
_ROUNDS = 10  # of k-means
_MAGIC = b"skw2c neighbours 2\n"
_MOST_SETTINGS = 16
_TUNED = (10, 100)  # neighbours for which faiss is tuned
_TRIALS = 256  # queries of each kind to tune with
_CANDIDATES = 1 / 16  # of all vectors at most; beyond, all are compared


class Neighbours(Protocol):
    """What both engines offer.

    Attributes
    ----------
    vectors : ndarray of shape (n_items, n_features), float32
        All vectors, those added included.
    """

    method: str
    vectors: np.ndarray

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Find the ``k`` vectors of largest cosine to each of the queries.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, n_features), float32, of length 1
        k : int

        Returns
        -------
        scores : ndarray of shape (n_queries, k), float64
            Cosines, descending.
        rows : ndarray of shape (n_queries, k), int64
            Rows of the vectors, ascending where cosines are equal.
        """

    def takes(self, n_items: int) -> bool:
        """Whether it is still a good choice for so many vectors in all."""

    def add(self, vectors: np.ndarray) -> None:
        """Append vectors, which take the next rows."""


def choose_engine(method: str, n_items: int) -> type[ExactNeighbours | FaissNeighbours]:
    """The engine of a method; "auto" is faiss for many items, where it is installed."""
    if method == "exact":
        return ExactNeighbours
    if method == "faiss":
        import_faiss()
        return FaissNeighbours
    if method != "auto":
        raise ValueError(f"method is {method!r}; it must be 'auto', 'exact' or 'faiss'")
    return FaissNeighbours if n_items >= AUTO_THRESHOLD and has_faiss() else ExactNeighbours


def has_faiss() -> bool:
    """Whether faiss can be imported."""
    try:
        import_faiss()
    except OptionalDependencyError:
        return False
    return True


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
        self._finder = NearestNeighbors(algorithm="brute", metric="sqeuclidean").fit(vectors)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Find the ``k`` vectors of largest cosine, see `Neighbours.search`."""
        check_k(k, self.vectors)
        n_found = min(k + _SPARE, len(self.vectors))
        found = self._finder.kneighbors(queries, n_found, return_distance=False)
        scores, rows = rank(self.vectors, queries, found, n_found)
        if n_found < len(self.vectors):
            # What was not found scores at most the last, but for rounding.
            for at in np.flatnonzero(scores[:, k - 1] < scores[:, -1] + _SLACK):
                scores[at, :k], rows[at, :k] = self._compare(queries[at], k)
        return scores[:, :k], rows[:, :k]

    def _compare(self, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rank all vectors that may be among the first ``k``."""
        rough = self.vectors @ query
        near = np.flatnonzero(rough >= np.partition(rough, -k)[-k] - 2 * _SLACK)
        scores, rows = rank(self.vectors, query[None], near[None], k)
        return scores[0], rows[0]

    def takes(self, n_items: int) -> bool:
        """Any number."""
        return True

    def add(self, vectors: np.ndarray) -> None:
        """Append vectors."""
        self.__init__(np.concatenate([self.vectors, vectors]))


class FaissNeighbours:
    """Compare each query with the vectors of some lists, by codes of 4 bits for 2 numbers.

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

    method = "faiss"

    def __init__(self, vectors: np.ndarray, *, recall: float = 0.95, random_state=0):
        import_faiss()
        self.vectors = vectors
        self._index, self._codes, self._settings = None, None, []
        if len(vectors) >= _SMALLEST:
            random = check_random_state(random_state)
            self._codes = take_apart(train_index(vectors, random), vectors)
            self._index = self._codes.assemble()
            self._settings = self._tune(recall, random)
        if not self._settings:
            self._index = self._codes = None

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Find ``k`` vectors of the largest cosines, see `Neighbours.search`."""
        check_k(k, self.vectors)
        queries = np.ascontiguousarray(queries)
        fitting = [setting[1:] for setting in self._settings if setting[0] >= k]
        if not fitting:
            return self._search_all(queries, k)
        scores, rows = self._search_lists(queries, k, *fitting[0])
        short = np.flatnonzero(rows[:, -1] < 0)  # their lists hold fewer than k
        if short.size:
            scores[short], rows[short] = self._search_all(queries[short], k)
        return scores, rows

    def takes(self, n_items: int) -> bool:
        """Until there are so many that there should be more lists."""
        if self._index is None:
            return n_items < max(_SMALLEST, 2 * len(self.vectors))
        return count_lists(n_items) <= self._index.nlist

    def add(self, vectors: np.ndarray) -> None:
        """Append vectors to the lists that there are; lists and settings stay what they are."""
        if self._index is not None:
            self._codes.extend(self._index, vectors)
            self._index.add(vectors)
        self.vectors = np.concatenate([self.vectors, vectors])

    def select(self, kept: np.ndarray, vectors: np.ndarray) -> FaissNeighbours:
        """The same over some vectors: those that a mask keeps, which are given.

        Lists and settings stay what they are.
        """
        codes = None if self._codes is None else self._codes.select(kept)
        return self._put_together(vectors, codes, self._settings)

    def save(self, path: str | os.PathLike) -> None:
        """Write lists, codes and settings, without the vectors."""
        with open(path, "wb") as file:
            file.write(_MAGIC)
            np.save(file, np.array(self._settings, np.int64).reshape(-1, 3), allow_pickle=False)
            if self._codes is not None:
                self._codes.write(file)

    @classmethod
    def load(cls, path: str | os.PathLike, vectors: np.ndarray) -> FaissNeighbours:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or os.PathLike
        vectors : ndarray of shape (n_items, n_features), float32
            The same as when it was saved.

        Raises
        ------
        ValueError
            The file is damaged, or of vectors of another number or width.
        """
        import_faiss()
        with open(path, "rb") as file:
            try:
                settings, codes = read_saved(file, vectors.shape)
                return cls._put_together(vectors, codes, settings)
            except (ValueError, RuntimeError) as exc:  # the latter is how faiss complains
                raise ValueError(
                    f"{os.fspath(path)!r} is not a saved search structure of these vectors, or is "
                    f"damaged: {exc}"
                ) from exc

    @classmethod
    def _put_together(cls, vectors, codes, settings):
        engine = cls.__new__(cls)
        engine.vectors, engine._codes, engine._settings = vectors, codes, settings
        engine._index = None if codes is None else codes.assemble()
        return engine

    def _search_all(self, queries, k):
        faiss = import_faiss()
        n_found = min(k + _SPARE, len(self.vectors))
        _, rows = faiss.knn(queries, self.vectors, n_found, metric=faiss.METRIC_INNER_PRODUCT)
        return rank(self.vectors, queries, rows, k)

    def _search_lists(self, queries, k, n_lists, n_candidates):
        """Search the nearest lists; row -1 stands where they hold fewer than ``k``."""
        parameters = import_faiss().SearchParametersIVF(nprobe=n_lists)
        n_candidates = min(n_candidates, len(self.vectors))
        _, rows = self._index.search(queries, n_candidates, params=parameters)
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
        n_lists = self._index.nlist
        choices = np.unique(np.geomspace(1, n_lists, 24).astype(int)).tolist()
        most = _CANDIDATES * len(self.vectors)
        for n_candidates in takewhile(lambda n: n <= most, (k * 2**power for power in count(2))):
            # Half of what may be missed is left to the lists.
            if self._measure(k, n_lists, n_candidates, trials) >= (1 + recall) / 2:
                enough = bisect_left(
                    choices[:-1],
                    recall,
                    key=lambda n: self._measure(k, n, n_candidates, trials),
                )
                return choices[enough], n_candidates
        return 0, 0

    def _measure(self, k, n_lists, n_candidates, trials):
        """Recall less twice its standard error, for the kind of queries that fares worst."""
        bounds = []
        for queries, n_own, truth in trials:
            scores, _ = self._search_lists(queries, k, n_lists, n_candidates)
            # By the cosine, so that copies stand for each other. A vector that finds itself does
            # not count.
            hits = (scores >= truth[:, k - 1 : k]).sum(axis=1) - n_own
            shares = hits / (k - n_own)
            bounds.append(shares.mean() - 2 * shares.std() / len(shares) ** 0.5)
        return min(bounds)


def check_k(k: int, vectors: np.ndarray) -> None:
    """There must be as many vectors as neighbours are asked for."""
    if not 1 <= k <= len(vectors):
        raise ValueError(f"k is {k}; it must be from 1 to the number of items, {len(vectors)}")


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
    return scores


def keep_best(vectors, queries, rows, k):
    """Rows of the largest cosines in float32, with some to spare, in any order."""
    faiss = import_faiss()
    if rows.shape[1] <= k + _SPARE:
        return rows
    cosines = np.full(rows.shape, -np.inf, np.float32)  # which row -1 keeps
    arrays = [faiss.swig_ptr(array) for array in (cosines, queries, vectors, rows)]
    faiss.fvec_inner_products_by_idx(*arrays, vectors.shape[1], *rows.shape)
    best = np.argpartition(-cosines, k + _SPARE, axis=1)[:, : k + _SPARE]
    return np.take_along_axis(rows, best, 1)


def train_index(vectors, random):
    """An empty index that knows how to divide vectors like these into lists, and to encode them."""
    faiss = import_faiss()
    n_items, width = vectors.shape
    n_lists = count_lists(n_items)
    sample = vectors[draw_rows(vectors, n_lists * _PER_LIST, random)]
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
    return mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), _SLACK)


def read_saved(file, shape):
    """Read settings and codes for vectors of a shape, and check them."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("it does not begin as one that this version writes")
    settings = read_array(file, "<i8", 2)
    if not len(settings):
        return [], None
    if settings.shape[1] != 3 or len(settings) > _MOST_SETTINGS or settings.min() < 1:
        raise ValueError(f"its settings are {settings.tolist()[:3]}")
    codes = Codes.read(file, shape)
    if settings[:, 1].max() > codes.n_lists:
        raise ValueError(f"its settings are for more lists than the {codes.n_lists} in it")
    return [tuple(setting) for setting in settings.tolist()], codes
