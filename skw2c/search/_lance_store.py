"""An index in a table of LanceDB, in a folder or in a bucket."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..exceptions import SavedIndexError
from ..system._optional import import_optional
from ._stores import COLUMNS, Condition, find_missing_columns, naming

_KEY = b"skw2c"  # of the table's metadata, under which it says what made its vectors
_KEYS = {"id": {"lance-schema:unenforced-primary-key": "true"}}
"""Metadata of fields, by which LanceDB sees that two writers add the same row at the same time."""
_AT_ONCE = 1 << 14  # rows
_REFINED = 10  # times as many candidates of an approximate search are ranked by their vectors
_CURE = "Check the address, that its credentials are in the environment, and that it has room"


@dataclass(frozen=True, eq=False)
class LanceStore:
    """Keeps an :class:`~skw2c.AudioIndex` in a table of LanceDB (extra ``lancedb``).

    The table is an ordinary one: besides ``vector`` it has the columns ``item``, ``path``,
    ``seconds``, ``start``, ``end`` and others, for queries of one's own in SQL. A search compares
    all vectors until somebody makes an index of LanceDB for cosines in the column ``vector``;
    ``AudioIndex(method="exact")`` does not use that.

    Parameters
    ----------
    uri : str or Path
        A folder, or what else LanceDB connects to, such as ``"s3://bucket/library"``, with
        credentials from the environment.
    table : str, default="skw2c"
        Name of the table; it is made by the first clips that are added.

    See Also
    --------
    QdrantStore : A database that many programs write to at the same time.

    Notes
    -----
    Each addition is a new version of the table. `AudioIndex.compact` joins what many small ones
    left. Who has opened the table sees what others write after `AudioIndex.refresh`.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import AudioIndex
    >>> from skw2c.search import LanceStore
    >>> store = LanceStore("database", table="sounds")
    >>> index = AudioIndex("passthrough", store=store).fit(np.eye(3), items=["a", "b", "c"])
    >>> AudioIndex.load(store).search([0, 1, 1], by="vector", k=2)["item"].tolist()
    ['b', 'c']
    >>> store.drop()
    """

    uri: str | os.PathLike
    table: str = "skw2c"

    def connect(self) -> LanceTable:
        """Connect to the database, as :class:`~skw2c.AudioIndex` does.

        Returns
        -------
        LanceTable
            What an index reads and writes.

        Raises
        ------
        OptionalDependencyError
            If lancedb is not installed.
        ConnectionError
            If the database cannot be reached.
        """
        lancedb = import_optional("lancedb", extra="lancedb", purpose="LanceStore")
        with naming(self, _CURE):
            return LanceTable(self, lancedb.connect(os.path.expanduser(self.uri)))

    def drop(self) -> None:
        """Delete the table with all that is in it, if it is that of an index.

        Raises
        ------
        SavedIndexError
            If the table was not written by skw2c.
        """
        table = self.connect()
        if table.read_identity() is not None:
            table.drop()


class LanceTable:
    """A table of LanceDB, see `StoreTable`.

    Parameters
    ----------
    store : LanceStore
    database : lancedb.DBConnection
    """

    def __init__(self, store: LanceStore, database):
        self._store, self._database, self._opened = store, database, None

    def read_identity(self) -> dict | None:
        """What was said of the index, see `StoreTable.read_identity`."""
        with naming(self._store, _CURE):
            if self._store.table not in _list_tables(self._database):
                return None
            # Anew: what is open goes on with a table that was deleted.
            schema = self._database.open_table(self._store.table).schema
        said = (schema.metadata or {}).get(_KEY)
        missing = find_missing_columns(schema.names)
        if said is None or missing:
            reason = f"it has no column {missing[0]!r}" if missing else "it does not say so"
            raise SavedIndexError(
                f"{self._store!r}: the table is not an index of skw2c: {reason}. Name another table"
            )
        try:
            return json.loads(said)
        except ValueError as exc:
            raise SavedIndexError(f"{self._store!r}: its metadata are damaged ({exc})") from exc

    def create(self, width: int, identity: dict) -> None:
        """Make an empty table, see `StoreTable.create`."""
        schema = _make_schema(width, {_KEY: json.dumps(identity).encode()})
        name, mode = self._store.table, "create"
        with naming(self._store, _CURE):
            if name in _list_tables(self._database):
                mode = "overwrite"
            self._opened = self._database.create_table(name, schema=schema, mode=mode)

    def drop(self) -> None:
        """Delete the table, see `StoreTable.drop`."""
        with naming(self._store, _CURE):
            self._database.drop_table(self._store.table)
        self._opened = None

    def read_width(self) -> int:
        """Length of the vectors."""
        return self._table().schema.field("vector").type.list_size

    def write(self, rows: Sequence[dict], vectors: np.ndarray) -> None:
        """Write rows, see `StoreTable.write`."""
        with naming(self._store, _CURE):
            table = self._newest()
            for start in range(0, len(rows), _AT_ONCE):
                some = slice(start, start + _AT_ONCE)
                merge = table.merge_insert("id").when_matched_update_all()
                merge = merge.when_not_matched_insert_all()
                merge.execute(_to_arrow(rows[some], vectors[some], table.schema))

    def delete(self, condition: Condition) -> None:
        """Delete rows, see `StoreTable.delete`."""
        with naming(self._store, _CURE):
            self._newest().delete(_to_sql(condition))

    def count(self, condition: Condition) -> int:
        """Number of rows, see `StoreTable.count`."""
        with naming(self._store, _CURE):
            return self._table().count_rows(_to_sql(condition))

    def read(self, condition: Condition, *, with_vectors: bool) -> Iterator[tuple]:
        """Rows in portions, see `StoreTable.read`."""
        columns = [*COLUMNS, "vector"] if with_vectors else list(COLUMNS)
        with naming(self._store, _CURE):
            query = self._table().search(None).where(_to_sql(condition)).select(columns)
            for batch in query.to_batches(batch_size=_AT_ONCE):
                yield _to_rows(batch), _to_vectors(batch) if with_vectors else None

    def search(
        self, query: np.ndarray, k: int, condition: Condition, *, exact: bool
    ) -> tuple[list[dict], np.ndarray]:
        """The nearest rows, see `StoreTable.search`."""
        with naming(self._store, _CURE):
            found = self._table().search(query, vector_column_name="vector")
            found = found.distance_type("cosine").limit(k)
            found = found.select([*COLUMNS, "vector", "_distance"])
            found = found.bypass_vector_index() if exact else found.refine_factor(_REFINED)
            if condition != Condition():
                found = found.where(_to_sql(condition), prefilter=True)
            table = found.to_arrow()
        return _to_rows(table), _to_vectors(table)

    def refresh(self) -> None:
        """Go over to what others have written since."""
        with naming(self._store, _CURE):
            self._newest()

    def optimize(self) -> None:
        """Join small files, and bring the indexes of the table up to date."""
        with naming(self._store, _CURE):
            self._newest().optimize()

    def _table(self):
        if self._opened is None:
            self._opened = self._database.open_table(self._store.table)
        return self._opened

    def _newest(self):
        """The table with what others wrote; otherwise rows that they wrote would be doubled."""
        table = self._table()
        table.checkout_latest()
        return table


def _list_tables(database) -> list[str]:
    names, page = [], None
    while True:
        found = database.list_tables(page_token=page)
        names += found.tables
        page = found.page_token
        if not page:
            return names


def _make_schema(width: int, metadata: dict):
    import pyarrow as pa

    kinds = {
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "whole": pa.int64(),
        "number": pa.float64(),
        "truth": pa.bool_(),
    }
    fields = [
        pa.field(name, kinds[kind], metadata=_KEYS.get(name)) for name, kind in COLUMNS.items()
    ]
    fields[0] = fields[0].with_nullable(False)
    vector = pa.field("vector", pa.list_(pa.float32(), width))
    return pa.schema([*fields, vector], metadata=metadata)


def _to_arrow(rows: Sequence[dict], vectors: np.ndarray, schema):
    import pyarrow as pa

    columns = {
        name: pa.array([row[name] for row in rows], schema.field(name).type) for name in COLUMNS
    }
    numbers = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
    columns["vector"] = pa.FixedSizeListArray.from_arrays(numbers, vectors.shape[1])
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _to_rows(table) -> list[dict]:
    return table.select(list(COLUMNS)).to_pylist()


def _to_vectors(table) -> np.ndarray:
    """The vectors of a table or of a batch (n_rows, width)."""
    column = table["vector"]
    chunks = column.chunks if hasattr(column, "chunks") else [column]
    arrays = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in chunks]
    width = column.type.list_size
    return np.concatenate([np.zeros(0, np.float32), *arrays]).reshape(-1, width)


def _to_sql(condition: Condition) -> str:
    """The condition of a query."""
    parts = []
    if condition.clips is not None:
        parts.append(f"clip IN ({_list(condition.clips)})")
    if condition.folders is not None:
        parts.append(f"array_has_any(folders, [{_list(condition.folders)}])")
    if condition.shortest is not None:
        parts.append(f"seconds >= {float(condition.shortest)!r}")
    if condition.longest is not None:
        parts.append(f"seconds <= {float(condition.longest)!r}")
    if condition.is_first is not None:
        parts.append("window = 0" if condition.is_first else "window > 0")
    if condition.not_by is not None:
        parts.append(f"write != {_quote(condition.not_by)}")
    return " AND ".join(parts) or "true"


def _list(texts: Sequence[str]) -> str:
    return ", ".join(map(_quote, texts)) or "''"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
