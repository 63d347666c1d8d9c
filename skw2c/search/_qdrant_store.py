"""An index in a collection of Qdrant: of a server, of a folder, or in memory."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np

from ..exceptions import SavedIndexError
from ..system._optional import import_optional
from ._stores import COLUMNS, Condition, naming

_KEY = "skw2c"  # of the collection's metadata, under which it says what made its vectors
_NUMBERS = 1 << 18  # of vectors that are sent at once; each takes some 10 bytes
_AT_ONCE = 1 << 10  # rows that are read at once
_TIMEOUT = 60  # seconds that a server may take for one request
_INDEXED = {"clip": "keyword", "folders": "keyword", "window": "integer", "seconds": "float"}
_CURE = (
    "Check the address, that the server runs, that its key is in the environment variable "
    "QDRANT_API_KEY if it needs one, and that no other program has the folder open"
)

_of_places: WeakValueDictionary = WeakValueDictionary()
_in_memory: WeakKeyDictionary = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class QdrantStore:
    """Keeps an :class:`~skw2c.AudioIndex` in a collection of Qdrant (extra ``qdrant``).

    Many programs may search and change a collection of a server at the same time. Each point has
    a payload with ``item``, ``path``, ``seconds``, ``start``, ``end`` and more, for queries of
    one's own.

    Parameters
    ----------
    location : str or Path
        The address of a server, such as ``"http://localhost:6333"``, of version 1.16 or later; or
        a folder for the local mode of qdrant-client, or ``":memory:"`` for a database that lasts as
        long as this object, both of which are meant for fewer than 20,000 vectors. One program at a
        time can open a folder; it holds pickles, so open only those that you wrote. The key of a
        server is read from the environment variable ``QDRANT_API_KEY``.
    collection : str, default="skw2c"
        Name of the collection; it is made by the first clips that are added.

    See Also
    --------
    LanceStore : A database in a folder or in a bucket.

    Notes
    -----
    The server makes a graph of a large collection, in which a search is approximate;
    ``AudioIndex(method="exact")`` has it compare all vectors.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import AudioIndex
    >>> from skw2c.search import QdrantStore
    >>> store = QdrantStore(":memory:", collection="sounds")
    >>> index = AudioIndex("passthrough", store=store).fit(np.eye(3), items=["a", "b", "c"])
    >>> AudioIndex.load(store).search([0, 1, 1], by="vector", k=2)["item"].tolist()
    ['b', 'c']
    >>> store.drop()
    """

    location: str | os.PathLike
    collection: str = "skw2c"

    def connect(self) -> QdrantTable:
        """Connect to the database, as :class:`~skw2c.AudioIndex` does.

        Returns
        -------
        QdrantTable
            What an index reads and writes.

        Raises
        ------
        OptionalDependencyError
            If qdrant-client is not installed.
        ConnectionError
            If another program has the folder open.
        """
        import_optional("qdrant_client", extra="qdrant", purpose="QdrantStore")
        with naming(self, _CURE):
            return QdrantTable(self, _find_client(self))

    def drop(self) -> None:
        """Delete the collection with all that is in it, if it is that of an index.

        Raises
        ------
        SavedIndexError
            If the collection was not written by skw2c.
        ConnectionError
            If the database cannot be reached.
        """
        table = self.connect()
        if table.read_identity() is not None:
            table.drop()


class QdrantTable:
    """A collection of Qdrant, see `StoreTable`.

    Parameters
    ----------
    store : QdrantStore
    client : qdrant_client.QdrantClient
    """

    def __init__(self, store: QdrantStore, client):
        self._store, self._client = store, client

    def read_identity(self) -> dict | None:
        """What was said of the index, see `StoreTable.read_identity`."""
        with naming(self._store, _CURE):
            if not self._client.collection_exists(self._store.collection):
                return None
            said = (self._config().metadata or {}).get(_KEY)
        if not isinstance(said, dict):
            raise SavedIndexError(
                f"{self._store!r}: the collection is not an index of skw2c, or of a server older "
                "than version 1.16. Name another collection"
            )
        return said

    def create(self, width: int, identity: dict) -> None:
        """Make an empty collection, see `StoreTable.create`."""
        from qdrant_client import models

        name = self._store.collection
        with naming(self._store, _CURE):
            if self._client.collection_exists(name):
                self._client.delete_collection(name)
            vectors = models.VectorParams(size=width, distance=models.Distance.COSINE)
            self._client.create_collection(name, vectors_config=vectors, metadata={_KEY: identity})
            if _is_remote(self._store):
                for field, kind in _INDEXED.items():
                    self._client.create_payload_index(name, field, kind, wait=True)
            kept = self._config().metadata or {}
        if _KEY not in kept:
            self.drop()
            raise SavedIndexError(
                f"{self._store!r}: the server does not keep what is said of a collection: use "
                "version 1.16 of Qdrant or later"
            )

    def drop(self) -> None:
        """Delete the collection, see `StoreTable.drop`."""
        with naming(self._store, _CURE):
            self._client.delete_collection(self._store.collection)

    def read_width(self) -> int:
        """Length of the vectors."""
        with naming(self._store, _CURE):
            return self._config().params.vectors.size

    def write(self, rows: Sequence[dict], vectors: np.ndarray) -> None:
        """Write rows, see `StoreTable.write`."""
        from qdrant_client import models

        step = max(1, _NUMBERS // vectors.shape[1])
        with naming(self._store, _CURE):
            for start in range(0, len(rows), step):
                some = slice(start, start + step)
                points = models.Batch(
                    ids=[row["id"] for row in rows[some]],
                    vectors=vectors[some].tolist(),
                    payloads=[{k: v for k, v in row.items() if k != "id"} for row in rows[some]],
                )
                self._client.upsert(self._store.collection, points=points, wait=True)

    def delete(self, condition: Condition) -> None:
        """Delete rows, see `StoreTable.delete`."""
        from qdrant_client import models

        chosen = models.FilterSelector(filter=_to_filter(condition))
        with naming(self._store, _CURE):
            self._client.delete(self._store.collection, points_selector=chosen, wait=True)

    def count(self, condition: Condition) -> int:
        """Number of rows, see `StoreTable.count`."""
        name, chosen = self._store.collection, _to_filter(condition)
        with naming(self._store, _CURE):
            return self._client.count(name, count_filter=chosen, exact=True).count

    def read(self, condition: Condition, *, with_vectors: bool) -> Iterator[tuple]:
        """Rows in portions, see `StoreTable.read`."""
        chosen, place = _to_filter(condition), None
        while True:
            with naming(self._store, _CURE):
                points, place = self._client.scroll(
                    self._store.collection,
                    scroll_filter=chosen,
                    limit=_AT_ONCE,
                    offset=place,
                    with_payload=True,
                    with_vectors=with_vectors,
                )
            if points:
                yield _to_rows(points), _to_vectors(points) if with_vectors else None
            if place is None:
                return

    def search(
        self, query: np.ndarray, k: int, condition: Condition, *, exact: bool
    ) -> tuple[list[dict], np.ndarray]:
        """The nearest rows, see `StoreTable.search`."""
        from qdrant_client import models

        how = models.SearchParams(exact=True) if exact and _is_remote(self._store) else None
        with naming(self._store, _CURE):
            points = self._client.query_points(
                self._store.collection,
                query=query.tolist(),
                query_filter=_to_filter(condition),
                search_params=how,
                limit=k,
                with_payload=True,
                with_vectors=True,
            ).points
        return _to_rows(points), _to_vectors(points)

    def refresh(self) -> None:
        """Do nothing: each answer is of what is there now."""

    def optimize(self) -> None:
        """Do nothing: the server does so by itself."""

    def _config(self):
        return self._client.get_collection(self._store.collection).config


def _is_remote(store: QdrantStore) -> bool:
    """Whether a server holds the collection."""
    return str(store.location).startswith(("http://", "https://"))


def _find_client(store: QdrantStore):
    """The client of a place, which all indexes of this process share: a folder is locked by it."""
    from qdrant_client import QdrantClient

    if store.location == ":memory:":
        if store not in _in_memory:
            _in_memory[store] = QdrantClient(":memory:")
        return _in_memory[store]
    key = os.environ.get("QDRANT_API_KEY") if _is_remote(store) else None
    place = str(store.location) if _is_remote(store) else _find_folder(store)
    client = _of_places.get((place, key))
    if client is None:
        client = (
            QdrantClient(url=place, api_key=key, timeout=_TIMEOUT)
            if _is_remote(store)
            else QdrantClient(path=place, force_disable_check_same_thread=True)
        )
        _of_places[place, key] = client
    return client


def _find_folder(store: QdrantStore) -> str:
    """The same name for a folder however it is reached."""
    return os.path.realpath(os.path.expanduser(store.location))


def _close_all() -> None:
    """Close all clients, which complain if Python takes them away at its end."""
    for client in [*_of_places.values(), *_in_memory.values()]:
        client.close()


atexit.register(_close_all)


def _to_rows(points) -> list[dict]:
    return [
        {name: (point.payload or {}).get(name) for name in COLUMNS} | {"id": str(point.id)}
        for point in points
    ]


def _to_vectors(points) -> np.ndarray:
    return np.array([point.vector for point in points], np.float32)


def _to_filter(condition: Condition):
    """The filter of a query; None for all points."""
    from qdrant_client import models

    def matches(key, values):
        return models.FieldCondition(key=key, match=models.MatchAny(any=list(values)))

    def lies(key, low, high):
        return models.FieldCondition(key=key, range=models.Range(gte=low, lte=high))

    must, must_not = [], []
    if condition.clips is not None:
        must.append(matches("clip", condition.clips))
    if condition.folders is not None:
        must.append(matches("folders", condition.folders))
    if condition.shortest is not None or condition.longest is not None:
        must.append(lies("seconds", condition.shortest, condition.longest))
    if condition.is_first is not None:
        must.append(lies("window", 0, 0) if condition.is_first else lies("window", 1, None))
    if condition.not_by is not None:
        must_not.append(matches("write", [condition.not_by]))
    if not must and not must_not:
        return None
    return models.Filter(must=must or None, must_not=must_not or None)
