"""Files that were embedded before, as the part that an index grows by."""

from __future__ import annotations

import os
import stat
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..files import is_remote
from ..transformers._rows import to_unit_length
from ._clip_table import ClipTable
from ._embedded_folder import EmbeddedFile
from ._part import IndexPart
from ._sources import TICK, Source

if TYPE_CHECKING:
    from ..corpus._rows import FileRow

_SHA256 = 64  # digits
_AT_ONCE = 1 << 16  # vectors


def join_parts(parts: Iterable[list[EmbeddedFile]]) -> Iterator[list[EmbeddedFile]]:
    """Join parts until they have tens of thousands of vectors, so that few are added at a time."""
    joined: list[EmbeddedFile] = []
    n_vectors = 0
    for files in parts:
        joined += files
        n_vectors += sum(len(row.vectors) for row, _ in files if row.vectors is not None)
        if n_vectors >= _AT_ONCE:
            yield joined
            joined, n_vectors = [], 0
    if joined:
        yield joined


class KnownClips:
    """The clips that an index has before files are added to it.

    Parameters
    ----------
    content : IndexContent or StoredContent

    Attributes
    ----------
    counts : Counter
        How many files were ``"added"``, ``"changed"``, ``"unchanged"`` or had ``"failed"``.
    """

    def __init__(self, content):
        self.counts: Counter[str] = Counter()
        self._by_file: dict[str, list[int]] = defaultdict(list)
        self._digests: list[str | None] = []
        self._names: list = []
        self._gone: list[int] = []
        if len(content):
            self._names = content.items
            for number, source in enumerate(content.sources):
                name = self._names[number] if source is None else source.path
                self._by_file[name].append(number)
                self._digests.append(source and source.digest and source.digest[:_SHA256])

    def compare(self, files: list[EmbeddedFile], content) -> tuple[IndexPart | None, set[int]]:
        """Say what an index grows by, and which of its clips that replaces.

        Parameters
        ----------
        files : list of EmbeddedFile
        content : IndexContent or StoredContent
            The content as it is now.

        Returns
        -------
        part : IndexPart or None
            What is new or has changed.
        gone : set of int
            Numbers of clips of ``content``.
        """
        clips: list[_NewClip] = []
        replaced: list[int] = []
        for row, in_doubt in files:
            vectors = row.vectors
            if vectors is None:
                self.counts["failed"] += 1
                continue
            source = None if is_remote(row.file) else _source_of(row, in_doubt)
            own = self._by_file.get(row.file if source is None else source.path, [])
            stale = [n for n in own if not self._is_same(n, row.digest, vectors, content)]
            kind = "changed" if stale else "unchanged" if own else "added"
            self.counts[kind] += 1
            numbers: Sequence[int | None] = stale or ([] if own else [None])
            for number in numbers:
                name = row.file if number is None else self._names[number]
                is_named = number is not None and source is not None and name != row.file
                source_of_it = source and source._replace(named=is_named)
                clips.append(_NewClip(row, vectors, name, source_of_it))
            replaced += stale
        gone = {self._number_now(number) for number in replaced}
        self._gone = sorted([*self._gone, *replaced])
        return _make_part(clips), gone

    def _number_now(self, number: int) -> int:
        """The number of a clip after others have gone."""
        return number - int(np.searchsorted(self._gone, number))

    def _is_same(self, number: int, digest: str | None, vectors: np.ndarray, content) -> bool:
        """Whether a clip has the content of a file, or, where that is not known, its vectors."""
        known = self._digests[number]
        if known is not None:
            return known == digest
        if content.store is not None:
            return False
        found = content.vectors_at(content.rows_of(self._number_now(number)))
        return np.array_equal(found, _to_units(vectors))


class _NewClip(NamedTuple):
    """A row that has vectors, and what its clip is to be called."""

    row: FileRow
    vectors: np.ndarray
    name: object
    source: Source | None


def _make_part(clips: list[_NewClip]) -> IndexPart | None:
    if not clips:
        return None
    rows = [clip.row for clip in clips]
    times = [np.clip(row.times, 0, row.seconds) for row in rows if row.times is not None]
    table = ClipTable.from_lists(
        [clip.name for clip in clips],
        [clip.source for clip in clips],
        [len(clip.vectors) for clip in clips],
        [np.nan if row.seconds is None else row.seconds for row in rows],
    )
    vectors = _to_units(np.concatenate([clip.vectors for clip in clips]))
    return IndexPart(vectors, table, np.concatenate(times) if times else None)


def _to_units(vectors: np.ndarray) -> np.ndarray:
    return to_unit_length(vectors).astype(np.float32, copy=False)


def _source_of(row: FileRow, in_doubt: bool) -> Source:
    """The file of a row, as it was when it was read."""
    path = os.path.realpath(row.file)
    stamp = None if in_doubt else _stamp_of(path, row)
    suffix = os.path.splitext(path)[1].lower()
    return Source(path, stamp, f"{row.digest}{suffix}", named=False)


def _stamp_of(path: str, row: FileRow) -> tuple[int, int, int] | None:
    """Size and times of a file that is as it was when it was read; None where that is not sure."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    found = status.st_size, status.st_mtime_ns
    if not stat.S_ISREG(status.st_mode) or found != (row.stamp.size, row.stamp.modified):
        return None
    stamp = *found, status.st_ctime_ns
    return None if abs(time.time_ns() - max(stamp[1:])) < TICK else stamp
