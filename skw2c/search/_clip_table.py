"""What an index knows of its clips, in columns that are read where they are needed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..exceptions import SavedIndexError
from ._arrays import ArrayReader
from ._sources import Source
from ._text_column import TextColumn

_NUMBER, _AS_PATH, _SOURCE, _STAMP, _DIGEST, _NAMED, _IN_ROOT = (1 << bit for bit in range(7))
_MOST = 2**53  # vectors


@dataclass
class ClipTable:
    """Names, files and durations of clips.

    Attributes
    ----------
    marks : ndarray of shape (n_clips,), uint8
        What is known of each clip, and how it is written.
    names, paths, digests : TextColumn
        Paths in the root are relative to it, with ``/`` between folders.
    stamps : ndarray of shape (n_clips, 3), int64
    counts : ndarray of shape (n_clips,), int64
        Number of vectors of each clip.
    seconds : ndarray of shape (n_clips,), float64
        Duration of each clip; NaN where it is not known.
    root : str or None
        The folder that relative paths start from.
    """

    marks: np.ndarray
    names: TextColumn
    paths: TextColumn
    digests: TextColumn
    stamps: np.ndarray
    counts: np.ndarray
    seconds: np.ndarray
    root: str | None = None

    @classmethod
    def from_lists(
        cls,
        names: Sequence,
        sources: Sequence[Source | None],
        counts: Sequence[int] | np.ndarray,
        seconds: Sequence[float] | np.ndarray | None = None,
        root: str | None = None,
    ) -> ClipTable:
        """Put clips into columns."""
        rows = [_to_row(name, source, root) for name, source in zip(names, sources, strict=True)]
        marks, texts, paths, digests, stamps = zip(*rows, strict=True) if rows else [()] * 5
        unknown = np.full(len(rows), np.nan)
        return cls(
            np.array(marks, np.uint8),
            TextColumn.of(texts),
            TextColumn.of(paths),
            TextColumn.of(digests),
            np.array(stamps, np.int64).reshape(-1, 3),
            np.array(counts, np.int64),
            unknown if seconds is None else np.array(seconds, float),
            root,
        )

    @classmethod
    def joined(cls, tables: Sequence[ClipTable]) -> ClipTable:
        """The clips of several tables of one root."""
        return cls(
            np.concatenate([table.marks for table in tables]),
            TextColumn.joined([table.names for table in tables]),
            TextColumn.joined([table.paths for table in tables]),
            TextColumn.joined([table.digests for table in tables]),
            np.concatenate([table.stamps for table in tables]),
            np.concatenate([table.counts for table in tables]),
            np.concatenate([table.seconds for table in tables]),
            tables[0].root,
        )

    def __len__(self):
        return len(self.marks)

    def select(self, kept: np.ndarray) -> ClipTable:
        """Those that a mask keeps."""
        return ClipTable(
            self.marks[kept],
            self.names.select(kept),
            self.paths.select(kept),
            self.digests.select(kept),
            self.stamps[kept],
            self.counts[kept],
            self.seconds[kept],
            self.root,
        )

    def name(self, number: int):
        """What a clip is called: a text or a number."""
        mark = int(self.marks[number])
        try:
            if mark & _AS_PATH:
                return self._path(number, mark)
            text = self.names[number]
            return _read_number(text) if mark & _NUMBER else text
        except ValueError as exc:
            raise _damaged(exc) from exc

    def source(self, number: int) -> Source | None:
        """The file that a clip comes from."""
        mark = int(self.marks[number])
        if not mark & _SOURCE:
            return None
        try:
            return Source(
                self._path(number, mark),
                tuple(self.stamps[number].tolist()) if mark & _STAMP else None,
                self.digests[number] if mark & _DIGEST else None,
                bool(mark & _NAMED),
            )
        except ValueError as exc:
            raise _damaged(exc) from exc

    def has_files(self) -> bool:
        """Whether some of the clips come from files."""
        return bool((self.marks & _SOURCE).any())

    def relative_path(self, number: int) -> str | None:
        """The path of a clip's file below the root; None if it has none there."""
        if not int(self.marks[number]) & _IN_ROOT:
            return None
        try:
            path = self.paths[number]
        except ValueError as exc:
            raise _damaged(exc) from exc
        return None if "\0" in path else path

    def list_names(self, numbers: Iterable[int]) -> list:
        """Names of some clips."""
        return [self.name(number) for number in numbers]

    def list_sources(self, numbers: Iterable[int]) -> list:
        """Files of some clips."""
        return [self.source(number) for number in numbers]

    def changed(self, changes: dict[int, tuple]) -> ClipTable:
        """The same clips, of which some have another name and source."""
        every = range(len(self))
        names, sources = self.list_names(every), self.list_sources(every)
        for number, (name, source) in changes.items():
            names[number], sources[number] = name, source
        return ClipTable.from_lists(names, sources, self.counts, self.seconds, self.root)

    def rebased(self, root: str | None) -> ClipTable:
        """The same clips, with paths that are relative to another root."""
        if root == self.root or not self.has_files():
            return replace(self, root=root)
        every = range(len(self))
        names, sources = self.list_names(every), self.list_sources(every)
        return ClipTable.from_lists(names, sources, self.counts, self.seconds, root)

    def in_folder(self, folder: str) -> np.ndarray:
        """A mask of the clips whose files are in a folder, or in one below it.

        Parameters
        ----------
        folder : str
            A real, absolute name.
        """
        below = folder if folder.endswith(os.sep) else folder + os.sep
        has_file, in_root = (self.marks & _SOURCE) > 0, (self.marks & _IN_ROOT) > 0
        found = ~in_root & self.paths.begins_with(below)
        relative = None if self.root is None else _below(folder, self.root)
        if relative is not None:
            found |= in_root & self.paths.begins_with(f"{relative}/" if relative else "")
        elif self.root is not None and _below(self.root, folder) is not None:
            found |= in_root
        return found & has_file

    def named_in(self, folder: str) -> np.ndarray:
        """A mask of the clips whose own names begin with a folder."""
        below = folder if folder.endswith(("/", os.sep)) else f"{folder}/"
        return ((self.marks & (_AS_PATH | _NUMBER)) == 0) & self.names.begins_with(below)

    def check(self) -> None:
        """Check all that can be checked without reading each name.

        Raises
        ------
        ValueError
            If the columns are not of the same clips, or texts do not follow each other.
        """
        for column in (self.names, self.paths, self.digests):
            column.check()

    def columns(self) -> list[np.ndarray]:
        """The columns as they are written, one after the other; the root is not among them."""
        texts = (self.names, self.paths, self.digests)
        arrays = (array for column in texts for array in (column.letters, column.ends))
        return [self.marks, *arrays, self.stamps, self.counts, self.seconds]

    @classmethod
    def read(cls, reader: ArrayReader) -> ClipTable:
        """Read what `columns` gave.

        Raises
        ------
        ValueError
            If it is something else.
        """
        marks = reader.read("|u1", 1)
        names, paths, digests = (
            TextColumn(reader.read("|u1", 1), reader.read("<i8", 1)) for _ in range(3)
        )
        stamps, counts = reader.read("<i8", 2), reader.read("<i8", 1)
        seconds = reader.read("<f8", 1)
        table = cls(marks, names, paths, digests, stamps, counts, seconds)
        lengths = {len(column) for column in (names, paths, digests, stamps, counts, seconds)}
        if lengths != {len(marks)} or stamps.shape[1] != 3:
            raise ValueError("its columns are not of the same clips")
        if len(counts) and not (counts.min() >= 0 and counts.max() <= _MOST):
            raise ValueError("its counts are not numbers of vectors")
        return table

    def _path(self, number: int, mark: int) -> str:
        path = self.paths[number]
        if "\0" in path:
            raise ValueError(f"the path {path!r} is none")
        if not mark & _IN_ROOT:
            return path
        if self.root is None:
            raise ValueError("its paths are relative, and the root is missing")
        return os.path.join(self.root, *path.split("/"))


def _to_row(name, source: Source | None, root: str | None) -> tuple:
    """Marks, name, path, checksum and stamp of a clip as they are written."""
    mark, text, path, digest, stamp = 0, "", "", "", (0, 0, 0)
    if source is not None:
        mark |= _SOURCE | (_NAMED if source.named else 0)
        relative = None if root is None else _below(source.path, root)
        mark |= _IN_ROOT if relative else 0
        path = relative or source.path
        if source.stamp is not None:
            mark, stamp = mark | _STAMP, source.stamp
        if source.digest is not None:
            mark, digest = mark | _DIGEST, source.digest
    if source is not None and isinstance(name, str) and name == source.path:
        mark |= _AS_PATH
    elif isinstance(name, str):
        text = name
    else:
        mark, text = mark | _NUMBER, json.dumps(name)
    return mark, text, path, digest, stamp


def _below(path: str, root: str) -> str | None:
    """A path relative to a folder, with slashes; None if it is not in it."""
    if path == root:
        return ""
    start = root if root.endswith(os.sep) else root + os.sep
    if not path.startswith(start):
        return None
    parts = path[len(start) :].split(os.sep)
    return None if {"", ".", ".."} & set(parts) else "/".join(parts)


def _read_number(text: str):
    number = json.loads(text)
    if not isinstance(number, (int, float)):
        raise ValueError(f"the name {text[:40]!r} is not a number")
    return number


def _damaged(cause: ValueError) -> SavedIndexError:
    return SavedIndexError(
        f"The saved index is damaged: the names of its clips: {cause}. Put the file back from a "
        "copy, or build the index again."
    )
