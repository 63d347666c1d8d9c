"""A part of an index: vectors that never change, their clips, and which of these were removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ._clip_table import ClipTable
from ._engines import choose_engine
from ._listing import check_content, find_living

_REWRITTEN = 1 / 3  # of the vectors of a part; when more are removed, a save rewrites it


@dataclass
class IndexPart:
    """Vectors that were added together.

    Nothing in it changes; what changes is another part that shares the rest.

    Attributes
    ----------
    vectors : ndarray of shape (n_vectors, width), float32
        Unit vectors, those of removed clips included.
    clips : ClipTable
        Of all clips, those that were removed included.
    times : ndarray of shape (n_vectors, 2), float64, or None
        Start and end of each vector's frame in seconds.
    dead : ndarray of shape (n_clips,), bool, or None
        Which clips were removed.
    files : dict
        What of the part is saved, by kind, as the list of the index says it.
    unread : dict
        Path, entry and buffer of the files that were not compared with their checksums, by kind.
    engines : dict
        What searches the vectors, by method.
    """

    vectors: np.ndarray
    clips: ClipTable
    times: np.ndarray | None = None
    dead: np.ndarray | None = None
    files: dict = field(default_factory=dict)
    unread: dict = field(default_factory=dict)
    engines: dict = field(default_factory=dict)

    def __getstate__(self):
        self.check_files()  # a pickle is a copy too
        # What faiss builds cannot be pickled, and is built again at the first search.
        return self.__dict__ | {"engines": {}}

    def __len__(self):
        return len(self.clips) - (0 if self.dead is None else int(self.dead.sum()))

    @cached_property
    def living(self) -> np.ndarray:
        """Numbers of the clips that were not removed."""
        return find_living(self.clips, self.dead)

    @cached_property
    def kept_rows(self) -> np.ndarray | None:
        """A mask of the vectors of clips that were not removed; None: of all."""
        return None if self.dead is None else self.rows_of(~self.dead)

    @cached_property
    def n_vectors(self) -> int:
        """Number of vectors of clips that were not removed."""
        return len(self.vectors) if self.kept_rows is None else int(self.kept_rows.sum())

    @cached_property
    def ends(self) -> np.ndarray | None:
        """Where the vectors of each clip end; None where each has one."""
        counts = self.clips.counts
        is_plain = len(counts) == len(self.vectors) and (counts == 1).all()
        return None if is_plain else np.cumsum(counts)

    def rows_of(self, mask: np.ndarray) -> np.ndarray:
        """A mask of the vectors of some clips, which a mask tells."""
        return mask if self.ends is None else np.repeat(mask, self.clips.counts)

    def span_of(self, clip: int) -> range:
        """Rows of the vectors of a clip."""
        if self.ends is None:
            return range(clip, clip + 1)
        end = int(self.ends[clip])
        return range(end - int(self.clips.counts[clip]), end)

    def owners_of(self, rows: np.ndarray) -> np.ndarray:
        """Clips that vectors belong to."""
        return rows if self.ends is None else np.searchsorted(self.ends, rows, side="right")

    def without(self, clips: Sequence[int]) -> IndexPart:
        """The part after some clips were removed, by their numbers in it."""
        dead = np.zeros(len(self.clips), bool) if self.dead is None else self.dead.copy()
        dead[clips] = True
        return replace(self, dead=dead, files=_without(self.files, "dead"))

    def with_sources(self, changes: dict[int, tuple]) -> IndexPart:
        """The part after some clips got another name and source, by their numbers in it."""
        clips = self.clips.changed(changes)
        return replace(self, clips=clips, files=_without(self.files, "items"))

    def is_worn(self) -> bool:
        """Whether so much of it was removed that it should be rewritten."""
        return self.n_vectors < (1 - _REWRITTEN) * len(self.vectors) or not len(self)

    def living_clips(self, root: str | None) -> ClipTable:
        """The clips that were not removed, with paths relative to a root."""
        clips = self.clips if self.dead is None else self.clips.select(~self.dead)
        return clips.rebased(root)

    def blocks(self, name: str, n_rows: int = 1 << 15):
        """Rows of ``vectors`` or ``times`` that belong to clips which were not removed."""
        array = getattr(self, name)
        for start in range(0, len(array), n_rows):
            some = slice(start, start + n_rows)
            yield array[some] if self.kept_rows is None else array[some][self.kept_rows[some]]

    def engine(self, method: str):
        """What searches all its vectors, made at the first need."""
        make = choose_engine(method, len(self.vectors))
        if make.method not in self.engines:
            self.engines[make.method] = make(self.vectors)
        return self.engines[make.method]

    def check_files(self) -> None:
        """Compare files that were mapped with their checksums, before they are copied.

        Raises
        ------
        SavedIndexError
            If the content of one is not what was saved.
        """
        for kind, (path, entry, buffer) in list(self.unread.items()):
            check_content(path, entry, buffer)
            del self.unread[kind]


def join_clips(parts: Sequence[IndexPart], root: str | None) -> ClipTable:
    """The clips of several parts that were not removed."""
    return ClipTable.joined([part.living_clips(root) for part in parts])


def _without(files: dict, kind: str) -> dict:
    return {name: entry for name, entry in files.items() if name != kind}
