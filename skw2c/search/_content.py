"""What is in an index: clips, their vectors, and when in the clip each vector is heard."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np

from ._part import IndexPart, join_clips

_JOINED = 1 << 15  # vectors of parts that are joined in memory, before they are saved


class IndexContent:
    """The parts of an index, as one list of clips and of vectors; nothing in it changes.

    Clips have numbers that count those which were not removed. Vectors have rows that count
    all, so that what searches them need not change when some are removed.

    Parameters
    ----------
    parts : iterable of IndexPart, default=()
        In the order in which they were added.
    """

    store = None  # in which database it is

    def __init__(self, parts: Iterable[IndexPart] = ()):
        self.parts = [part for part in parts if len(part)]

    def __len__(self):
        return int(self._clip_ends[-1]) if self.parts else 0

    @cached_property
    def n_vectors(self) -> int:
        """Number of vectors of clips that were not removed."""
        return sum(part.n_vectors for part in self.parts)

    @cached_property
    def items(self) -> list:
        """Names of all clips."""
        return [name for part in self.parts for name in part.clips.list_names(part.living.tolist())]

    @cached_property
    def sources(self) -> list:
        """Files of all clips; None for what came as samples or vectors."""
        return [
            source
            for part in self.parts
            for source in part.clips.list_sources(part.living.tolist())
        ]

    @cached_property
    def counts(self) -> np.ndarray:
        """Number of vectors of each clip."""
        counts = [part.clips.counts[part.living] for part in self.parts]
        return np.concatenate([np.zeros(0, np.int64), *counts])

    @property
    def is_framed(self) -> bool:
        """Whether the vectors are of windows, with times."""
        return bool(self.parts) and self.parts[0].times is not None

    @property
    def width(self) -> int | None:
        """Length of the vectors; None where there are none."""
        return self.parts[0].vectors.shape[1] if self.parts else None

    @cached_property
    def _clip_ends(self) -> np.ndarray:
        return np.cumsum([len(part) for part in self.parts])

    @cached_property
    def _row_ends(self) -> np.ndarray:
        return np.cumsum([len(part.vectors) for part in self.parts])

    def with_part(self, part: IndexPart) -> IndexContent:
        """The content and a part at the end, joined with small ones that are not saved."""
        parts = [*self.parts, part]
        while len(parts) > 1 and _may_be_joined(*parts[-2:]):
            parts[-2:] = [_join(*parts[-2:])]
        return IndexContent(parts)

    def with_sources(self, changes: dict[int, tuple]) -> IndexContent:
        """The content where some clips have another name and source, by their numbers."""
        parts = list(self.parts)
        for at, numbers, clips in self._by_part(sorted(changes)):
            own = {clip: changes[number] for number, clip in zip(numbers, clips, strict=True)}
            parts[at] = parts[at].with_sources(own)
        return IndexContent(parts)

    def without(self, numbers: Iterable[int]) -> IndexContent:
        """The content but for some clips, by their numbers."""
        parts = list(self.parts)
        for at, _, clips in self._by_part(sorted(numbers)):
            parts[at] = parts[at].without(clips)
        return IndexContent(parts)

    def changed(
        self, renamed: dict[int, tuple], gone: Iterable[int] = (), part: IndexPart | None = None
    ) -> IndexContent:
        """The content where some clips have another name and source, but for some, and a part."""
        content = self.with_sources(renamed).without(gone)
        return content if part is None else content.with_part(part)

    def _by_part(self, numbers: list[int]):
        """For each part with some of the clips: its place, their numbers, and those in the part."""
        places = np.searchsorted(self._clip_ends, numbers, side="right")
        for at in np.unique(places).tolist():
            part, own = self.parts[at], np.asarray(numbers)[places == at]
            start = self._clip_ends[at] - len(part)
            yield at, own.tolist(), part.living[own - start].tolist()

    def _places_of(self, rows: np.ndarray):
        """For each part: which of some rows are in it, and their rows in the part."""
        places = np.searchsorted(self._row_ends, rows, side="right")
        for at, part in enumerate(self.parts):
            own = np.flatnonzero(places == at)
            if len(own):
                yield part, at, own, rows[own] - (self._row_ends[at] - len(part.vectors))

    def items_of(self, rows: np.ndarray) -> list:
        """Names of the clips that vectors belong to."""
        names = [None] * len(rows)
        for part, _, places, own in self._places_of(rows):
            found = part.clips.list_names(part.owners_of(own).tolist())
            for place, name in zip(places.tolist(), found, strict=True):
                names[place] = name
        return names

    def numbers_of(self, rows: np.ndarray) -> np.ndarray:
        """Numbers of the clips that vectors belong to."""
        numbers = np.zeros(len(rows), np.int64)
        for part, at, places, own in self._places_of(rows):
            start = self._clip_ends[at] - len(part)
            numbers[places] = start + np.searchsorted(part.living, part.owners_of(own))
        return numbers

    def rows_of(self, number: int) -> np.ndarray:
        """Rows of the vectors of a clip."""
        [(at, _, [clip])] = self._by_part([number])
        part = self.parts[at]
        return self._row_ends[at] - len(part.vectors) + np.array(part.span_of(clip), np.int64)

    def clip_masks(self, numbers: Iterable[int]) -> list[np.ndarray]:
        """For each part a mask of some clips, by their numbers."""
        masks = [np.zeros(len(part.clips), bool) for part in self.parts]
        for at, _, clips in self._by_part(sorted(numbers)):
            masks[at][clips] = True
        return masks

    def masks_of(self, numbers: Iterable[int]) -> list[np.ndarray]:
        """For each part a mask of the vectors of some clips, by their numbers."""
        pairs = zip(self.parts, self.clip_masks(numbers), strict=True)
        return [part.rows_of(mask) for part, mask in pairs]

    def vectors_at(self, rows: np.ndarray) -> np.ndarray:
        """Vectors by their rows."""
        vectors = np.zeros((len(rows), self.width or 1), np.float32)
        for part, _, places, own in self._places_of(rows):
            vectors[places] = part.vectors[own]
        return vectors

    def times_of(self, rows: np.ndarray) -> np.ndarray:
        """Start and end of vectors (n_rows, 2) in seconds."""
        times = np.zeros((len(rows), 2))
        for part, _, places, own in self._places_of(rows):
            times[places] = part.times[own]
        return times

    def vectors(self) -> np.ndarray:
        """All vectors of clips that were not removed, in one array.

        This is a copy unless it is one part of which nothing was removed. Searching needs none.
        """
        if len(self.parts) == 1 and self.parts[0].dead is None:
            return self.parts[0].vectors
        vectors, start = np.zeros((self.n_vectors, self.width or 1), np.float32), 0
        for part in self.parts:
            for block in part.blocks("vectors"):
                vectors[start : start + len(block)] = block
                start += len(block)
        return vectors

    def groups(self, *, keep_files: bool, compact: bool = False) -> list[list[IndexPart]]:
        """Parts that are to be saved as one: each saved part alone, and those that came last.

        Saved parts that are not much larger than the new ones are joined with them, so that a
        thousand small additions do not become a thousand files.

        Parameters
        ----------
        keep_files : bool
            Whether the folder that the parts lie in is the one to save into.
        compact : bool, default=False
            Whether to write all of them as one.
        """
        saved = list(self.parts)
        if compact or not keep_files:
            return [saved] if saved else []
        new: list[IndexPart] = []
        while saved and "vectors" not in saved[-1].files:
            new.insert(0, saved.pop())
        while new and saved and saved[-1].n_vectors <= 2 * sum(part.n_vectors for part in new):
            new.insert(0, saved.pop())
        return [*([part] for part in saved), *([new] if new else [])]


def _may_be_joined(one: IndexPart, other: IndexPart) -> bool:
    """Whether two parts are small, not saved, and the first one not much larger."""
    n_vectors = len(one.vectors) + len(other.vectors)
    are_new = not one.files and not other.files and n_vectors <= _JOINED
    return are_new and len(one.vectors) <= 2 * len(other.vectors)


def _join(one: IndexPart, other: IndexPart) -> IndexPart:
    parts, timed = (one, other), one.times is not None
    return IndexPart(
        np.concatenate([block for part in parts for block in part.blocks("vectors")]),
        join_clips(parts, None),
        np.concatenate([b for part in parts for b in part.blocks("times")]) if timed else None,
    )
