"""What is in an index whose vectors are in a database."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property

import numpy as np

from ..exceptions import SavedIndexError
from ..system._portions import divide
from ._part import IndexPart
from ._results import Hits
from ._store_conditions import make_condition
from ._store_identity import as_list, check_identity, make_identity
from ._store_search import find_nearest
from ._stored_clips import StoredClip, check_texts, make_row_id, read_name
from ._stores import Condition, Store, StoreTable

_CLIPS_AT_ONCE = 1000  # that are named in one request
_VECTORS_AT_ONCE = 1 << 15  # that are read to be rewritten

EMPTY = "the index is empty: its clips could not be read, or were all removed"


class StoredContent:
    """The clips and vectors of an index in a database.

    A search asks the database. What adds, updates or removes clips first reads what is known of
    all of them, without their vectors, and keeps that up to date from then on.

    Parameters
    ----------
    store : Store
    description : dict
        What is said of the parameters and encoders of the index: before there is a table, to make
        it with; later, what it was made with.
    """

    parts = ()  # of which an index in a folder consists

    def __init__(self, store: Store, description: dict):
        self.store, self.description = store, description
        self._table: StoreTable | None = None
        self._clips: list[StoredClip] | None = None

    @classmethod
    def started(cls, store: Store, description: dict) -> StoredContent:
        """A new index.

        Raises
        ------
        SavedIndexError
            If the store has one already, or something else.
        """
        content = cls(store, description)
        content._refuse_used()
        return content

    @classmethod
    def found(cls, store: Store) -> StoredContent:
        """The index that a store holds.

        Raises
        ------
        SavedIndexError
            If there is none, or it is of another version, or damaged.
        """
        identity = store.connect().read_identity()
        if identity is None:
            raise SavedIndexError(
                f"there is no index in {store!r}: AudioIndex(store=...).fit(...) makes one"
            )
        return cls(store, check_identity(identity, store))

    def __getstate__(self):
        # Connections cannot be pickled, and others may change the database until they are back.
        return {"store": self.store, "description": self.description}

    def __setstate__(self, state):
        self.store, self.description = state["store"], state["description"]
        self._table, self._clips = None, None

    @property
    def listed(self) -> dict:
        """What is said of the index, in the form of the list of one in a folder."""
        return as_list(self.description)

    # What there is

    def __len__(self):
        if self._clips is not None or not self._exists:
            return len(self.clips)
        return self._open().count(Condition(is_first=True))

    @property
    def n_vectors(self) -> int:
        """Number of vectors."""
        return self._open().count(Condition()) if self._exists else 0

    @property
    def clips(self) -> list[StoredClip]:
        """All clips, in the order in which they were added."""
        if self._clips is None:
            self._keep(self._read_clips() if self._exists else [])
        return self._clips or []

    def _keep(self, clips: list[StoredClip] | None) -> None:
        """Know these clips; None: they are read at the next need."""
        self._clips = clips
        for name in ("items", "sources", "counts"):
            self.__dict__.pop(name, None)

    @cached_property
    def items(self) -> list:
        """Names of all clips."""
        return [clip.name for clip in self.clips]

    @cached_property
    def sources(self) -> list:
        """Files of all clips; None for what came as samples or vectors."""
        return [clip.source for clip in self.clips]

    @cached_property
    def counts(self) -> np.ndarray:
        """Number of vectors of each clip."""
        return np.array([clip.windows for clip in self.clips], np.int64)

    @property
    def n_named(self) -> int:
        """A number that no clip has as its position, nor a later one."""
        return self.clips[-1].position + 1 if self.clips else 0

    @property
    def width(self) -> int | None:
        """Length of the vectors; None where there are none."""
        return self._open().read_width() if self._exists else None

    @property
    def is_framed(self) -> bool:
        """Whether the vectors are of windows, with times."""
        return self.description["parameters"]["mode"] == "frame"

    def vectors(self) -> np.ndarray:
        """All vectors in one array, clip by clip."""
        ends = dict(zip((c.id for c in self.clips), np.cumsum(self.counts).tolist(), strict=True))
        found = np.zeros((int(self.counts.sum()), self.width or 1), np.float32)
        for rows, vectors in self._open().read(Condition(), with_vectors=True):
            for row, vector in zip(rows, vectors, strict=True):
                if row["clip"] in ends:
                    found[ends[row["clip"]] - row["windows"] + row["window"]] = vector
        return found

    # Changing

    def changed(
        self,
        renamed: Mapping[int, tuple],
        gone: Iterable[int] = (),
        part: IndexPart | None = None,
    ) -> StoredContent:
        """Write a change into the database; what is removed goes last, so that nothing is lost.

        Parameters
        ----------
        renamed : mapping
            Names and sources of clips that have others now, by their numbers.
        gone : iterable of int
            Numbers of clips that are removed, or replaced by some of the part.
        part : IndexPart or None, default=None
            Clips that are added.
        """
        clips, removed = self.clips, set(gone)
        added = [] if part is None else self._number(part)
        moved = {n: clips[n].renamed(*renamed[n]) for n in sorted(renamed) if n not in removed}
        check_texts([*added, *moved.values()], self.store)
        if not added and not moved and not removed:
            return self
        self._prepare(part)
        write = uuid.uuid4().hex
        try:
            self._write_added(added, part, write)
        except BaseException:
            with suppress(Exception):  # these would be there twice after another attempt
                self._delete([clip.id for clip in added if clip.source is None])
            raise
        self._write_moved({clips[n].id: clip for n, clip in moved.items()}, write)
        written = {clip.id for clip in [*added, *moved.values()]}
        old = {clips[number].id for number in (*removed, *moved)} - written
        self._delete(sorted(old))
        kept = [moved.get(n, clip) for n, clip in enumerate(clips) if n not in removed]
        self._keep([*kept, *added])
        return self

    def _number(self, part: IndexPart) -> list[StoredClip]:
        """The clips of a part, with their places after all others."""
        table, first = part.clips, self.n_named
        return [
            StoredClip.new(
                first + number,
                table.name(number),
                table.source(number),
                int(table.counts[number]),
                float(table.seconds[number]),
            )
            for number in range(len(table))
        ]

    def _write_added(self, clips: list[StoredClip], part: IndexPart | None, write: str) -> None:
        if part is None:
            return
        if empty := [clip.name for clip in clips if not clip.windows]:
            raise ValueError(
                f"{empty[0]!r} is shorter than a window, and has no vector that {self.store!r} "
                'could keep: use tail="pad", or leave it out'
            )
        ends = np.cumsum([clip.windows for clip in clips])
        spans = [slice(end - clip.windows, end) for clip, end in zip(clips, ends, strict=True)]
        times = [None if part.times is None else part.times[span] for span in spans]
        rows = [
            row
            for clip, its_times in zip(clips, times, strict=True)
            for row in clip.to_rows(its_times, write)
        ]
        self._write(rows, part.vectors, write)

    def _write_moved(self, moved: dict[str, StoredClip], write: str) -> None:
        """Rewrite clips whose name or file has changed; they are told by the ids that they had."""
        table = self._open()
        for some in _portions(sorted(moved), [moved[clip].windows for clip in sorted(moved)]):
            found = list(table.read(Condition(clips=some), with_vectors=True))
            if found:
                rows = [_move(row, moved[row["clip"]], write) for rows, _ in found for row in rows]
                self._write(rows, np.concatenate([vectors for _, vectors in found]), write)

    def _write(self, rows: list[dict], vectors: np.ndarray, write: str) -> None:
        """Write vectors, the first ones of the clips last: by these a clip is found again.

        Whatever ends this early, the clip is then still as it was, or is not known: the next
        update embeds it again.
        """
        table = self._open()
        if not self.is_framed:
            table.write(rows, vectors)
            return
        is_first = np.array([row["window"] == 0 for row in rows], bool)
        later = np.flatnonzero(~is_first)
        table.write([rows[at] for at in later], vectors[later])
        for some in _portions(list(dict.fromkeys(row["clip"] for row in rows))):
            table.delete(Condition(clips=some, is_first=False, not_by=write))
        firsts = np.flatnonzero(is_first)
        table.write([rows[at] for at in firsts], vectors[firsts])

    def _delete(self, clips: list[str]) -> None:
        for some in _portions(clips):
            self._open().delete(Condition(clips=some))

    # The table

    def refresh(self) -> None:
        """Go over to what others have written since.

        Raises
        ------
        SavedIndexError
            If there is another index now, or none.
        """
        if not self._exists:
            return
        self._check_same()
        self._open().refresh()
        self._keep(None)

    def optimize(self) -> None:
        """Do what makes searches quick again after many writes."""
        if self._exists:
            self._open().optimize()

    @property
    def _exists(self) -> bool:
        return "id" in self.description

    def _open(self) -> StoreTable:
        if self._table is None:
            self._table = self.store.connect()
        return self._table

    def _prepare(self, part: IndexPart | None) -> None:
        """Make the table at the first clips; later, see that it is still the one."""
        if self._exists:
            self._check_same()
        elif part is not None:
            self._refuse_used()
            identity = make_identity(self.description)
            self._open().create(part.vectors.shape[1], identity)
            self.description = identity

    def _check_same(self) -> None:
        identity = self._open().read_identity()
        if identity is None or identity.get("id") != self.description["id"]:
            now = "it is gone" if identity is None else "another one is in its place"
            raise SavedIndexError(
                f"the index in {self.store!r} was deleted, and {now}: AudioIndex.load(store) loads "
                "what is there now"
            )

    def _refuse_used(self) -> None:
        table = self._open()
        identity = table.read_identity()
        if identity is None:
            return
        check_identity(identity, self.store)
        if n_vectors := table.count(Condition()):
            raise SavedIndexError(
                f"{self.store!r} holds an index already, with {n_vectors} vectors: go on with it "
                "by AudioIndex.load(store), delete it by store.drop(), or name another place"
            )

    def _read_clips(self) -> list[StoredClip]:
        self._check_same()
        found: dict[str, StoredClip] = {}
        for rows, _ in self._open().read(Condition(is_first=True), with_vectors=False):
            found |= {clip.id: clip for clip in map(self._read_clip, rows)}
        return sorted(found.values(), key=lambda clip: clip.position)

    def _read_clip(self, row: dict) -> StoredClip:
        try:
            return StoredClip.of_row(row)
        except ValueError as exc:
            raise self._damaged(str(exc)) from exc

    def _damaged(self, reason: str) -> SavedIndexError:
        return SavedIndexError(
            f"The index in {self.store!r} is damaged: {reason}. Something else writes there: build "
            "the index again in a place of its own"
        )

    # Searching

    def search(self, queries: np.ndarray, k: int, where: Mapping | None, *, exact: bool) -> Hits:
        """The clips or windows that are nearest to each of the queries.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, width), float32, of length 1
        k : int
            Fewer are found where there are fewer.
        where : mapping or None
            As in `AudioIndex.search`.
        exact : bool
            Whether the database must compare all vectors.
        """
        if not self._exists:
            raise ValueError(EMPTY)
        condition = Condition() if where is None else make_condition(self, where)
        table = self._open()
        try:
            found = [find_nearest(table, query, k, condition, exact=exact) for query in queries]
            n_found = min(len(scores) for scores, _ in found)
            rows = [row for _, its_rows in found for row in its_rows[:n_found]]
            items = [read_name(row) for row in rows]
        except (KeyError, TypeError, ValueError) as exc:
            raise self._damaged(str(exc)) from exc
        if not rows and not self.n_vectors:
            raise ValueError(EMPTY)
        scores = np.array([its_scores[:n_found] for its_scores, _ in found])
        return Hits(scores.reshape(len(found), n_found), items, self._times_of(rows))

    def count(self, condition: Condition) -> int:
        """Number of rows for which a condition holds."""
        return self._open().count(condition)

    def _times_of(self, rows: list[dict]) -> np.ndarray | None:
        if not self.is_framed:
            return None
        return np.array([(row["start"], row["end"]) for row in rows], float).reshape(-1, 2)


def _move(row: dict, clip: StoredClip, write: str) -> dict:
    """A row of a clip by another name."""
    [own] = clip._replace(windows=1).to_rows(None, write)
    kept = {name: row[name] for name in ("window", "windows", "start", "end")}
    return own | kept | {"id": make_row_id(clip.id, row["window"])}


def _portions(clips: list[str], n_windows: list[int] | None = None) -> Iterator[list[str]]:
    """Clips that are named in one request, and have no more than so many vectors together."""
    return divide(clips, n_windows or [0] * len(clips), _CLIPS_AT_ONCE, _VECTORS_AT_ONCE)
