"""Nearest neighbours by cosine among unit vectors: exact, or quick by faiss."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state

from ._arrays import ArrayReader, open_buffer
from ._centres import PER_LIST, count_lists, draw_rows, find_centres
from ._codes import Codes, import_faiss, take_apart
from ._comparison import (
    SLACK,
    SPARE,
    check_k,
    compare,
    keep_best,
    rank,
    refusing_damage,
)
from ._settings import GAP, Setting, check_settings, read_settings, to_array
from ._tuning import tune

_SMALLEST = 2**14  # vectors; fewer are quicker compared than divided into lists
_MAGIC = b"skw2c neighbours 2\n"
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
    compared, and the best candidates are ranked by their true cosines. How far lists may be
    behind the nearest one, and candidates behind the last neighbour, is measured at the end of
    building, for 10 and for 100 neighbours, with items as queries and with queries that
    resemble no item. So a query takes as many lists and candidates as lie close together
    there. Where no setting reaches the recall, for more neighbours, and for few vectors, all
    vectors are compared.

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
    _index: Any
    """What faiss searches in; None where all vectors are compared."""
    _settings: list[Setting]

    def __init__(self, vectors: np.ndarray, *, recall: float = 0.95, random_state=0):
        import_faiss()
        self.vectors = vectors
        self._index, self._settings = None, []
        if len(vectors) >= _SMALLEST:
            random = check_random_state(random_state)
            self._build(random)
            self._settings = tune(self, recall, random)
        if not self._settings:
            self._forget()

    def search(
        self, queries: np.ndarray, k: int, kept: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find ``k`` vectors of the largest cosines, see `Neighbours.search`."""
        check_k(k, self.vectors, kept)
        queries = np.ascontiguousarray(queries)
        setting = self._find_setting(k, kept)
        settings = [] if setting is None else [setting, setting.widest()]
        return self._search_until(settings, queries, k, kept)

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

    @property
    def n_lists(self) -> int:
        """Number of lists."""
        return self._index.nlist

    def _find_setting(self, k: int, kept: np.ndarray | None) -> Setting | None:
        """What to compare for ``k`` neighbours; None if that is all vectors.

        Of the nearest vectors only some are kept: it takes as much to find ``k`` of them as to
        find more among all. Those that are kept may lie in other lists than the nearest, so
        that gaps say nothing.
        """
        share = 1.0 if kept is None else kept.sum() / len(kept)
        are_most = share >= 1 - _FEW_GONE
        wanted = k if are_most else k / share
        for setting in self._settings:
            if setting.n_neighbours >= wanted:
                return setting if are_most else setting.widest()
        return None

    def _search_until(self, settings, queries, k, kept):
        """Search by the first setting, and by those that follow where it finds fewer than ``k``."""
        if not settings:
            return self.compare_all(queries, k, kept)
        scores, rows = self.search_lists(queries, k, settings[0], kept)
        short = np.flatnonzero(rows[:, -1] < 0)
        if short.size:
            found = self._search_until(settings[1:], queries[short], k, kept)
            scores[short], rows[short] = found
        return scores, rows

    def compare_all(self, queries, k, kept=None):
        """Compare the queries with all vectors."""
        if kept is not None:
            return compare(self.vectors, queries, kept, k)
        faiss = import_faiss()
        n_found = min(k + SPARE, len(self.vectors))
        _, rows = faiss.knn(queries, self.vectors, n_found, metric=faiss.METRIC_INNER_PRODUCT)
        return rank(self.vectors, queries, rows, k)

    def search_lists(self, queries, k, setting, kept=None):
        """Search some lists; row -1 stands where they hold fewer than ``k``."""
        list_scores, lists = self.find_lists(queries, setting.n_lists)
        lists[list_scores < list_scores[:, :1] - setting.list_gap * GAP] = -1
        # Threads get equal numbers of queries, so those that take long are dealt out.
        order = _deal((lists >= 0).sum(axis=1))
        queries, list_scores, lists = queries[order], list_scores[order], lists[order]
        n_candidates = min(setting.n_candidates, len(self.vectors))
        estimates, rows = self.scan(queries, list_scores, lists, n_candidates, kept)
        last = min(setting.n_neighbours, n_candidates) - 1
        rows[estimates < estimates[:, last : last + 1] - setting.candidate_gap * GAP] = -1
        found = rank(self.vectors, queries, keep_best(self.vectors, queries, rows, k), k)
        back = np.argsort(order)
        return found[0][back], found[1][back]

    def find_lists(self, queries, n_lists):
        """Scores of the centres of the nearest lists, descending, and the numbers of the lists."""
        faiss = import_faiss()
        # With a selector each query is compared by itself, and not in a product of matrices, so
        # that its lists do not depend on the other queries.
        alone = faiss.SearchParameters(sel=faiss.IDSelectorAll())
        return self._index.quantizer.search(queries, n_lists, params=alone)

    def find_owners(self, rows):
        """The lists that some rows are in."""
        vectors = np.ascontiguousarray(self.vectors[rows])
        return self._index.quantizer.search(vectors, 1)[1].ravel()

    def scan(self, queries, list_scores, lists, n_candidates, kept=None):
        """Estimates of the cosines of the best candidates in given lists, descending, and rows."""
        faiss = import_faiss()
        chosen = {}
        if kept is not None:
            chosen["sel"] = faiss.IDSelectorBitmap(np.packbits(kept, bitorder="little"))
        n_lists = max(1, int((lists >= 0).sum(axis=1).max(initial=0)))
        parameters = faiss.SearchParametersIVF(nprobe=n_lists, **chosen)
        estimates = np.empty((len(queries), n_candidates), np.float32)
        rows = np.empty((len(queries), n_candidates), np.int64)
        given = [np.ascontiguousarray(array[:, :n_lists]) for array in (lists, list_scores)]
        queries = np.ascontiguousarray(queries)
        first, *others = map(faiss.swig_ptr, (queries, *given, estimates, rows))
        # The wrapper of faiss takes no parameters here.
        self._index.search_preassigned_c(
            len(queries), first, n_candidates, *others, False, parameters
        )
        self._check_rows(rows)
        return estimates, rows


def _deal(effort):
    """An order in which equal parts, one for each thread, take about the same effort."""
    falling, n_parts = np.argsort(-effort, kind="stable"), import_faiss().omp_get_max_threads()
    return np.concatenate([falling[part::n_parts] for part in range(n_parts)])


class FaissNeighbours(ListNeighbours):
    """Search lists by codes of 4 bits for 2 numbers, which faiss holds in memory.

    Parameters
    ----------
    vectors, recall, random_state
        As for `ListNeighbours`.
    """

    method = "faiss"
    _codes: Codes | None

    def save(self, path: str | os.PathLike) -> None:
        """Write lists, codes and settings, without the vectors."""
        with open(path, "wb") as file:
            file.write(_MAGIC)
            np.save(file, to_array(self._settings), allow_pickle=False)
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
            codes = None if codes is None else codes.select(rows)
            engine.vectors, engine._codes = vectors, codes
            engine._index = None if codes is None else codes.assemble()
        return engine

    def _build(self, random) -> None:
        codes = take_apart(train_index(self.vectors, random), self.vectors)
        self._codes, self._index = codes, codes.assemble()

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


def read_saved(buffer, shape: tuple[int, int]) -> tuple[list[Setting], Codes | None]:
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
