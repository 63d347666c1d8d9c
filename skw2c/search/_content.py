"""What is in an index: clips, their vectors, and when in the clip each vector is heard."""

from __future__ import annotations

import numpy as np

from ._folder import IndexPart


class IndexContent:
    """The parts of an index, as one list of clips and one array of vectors.

    Attributes
    ----------
    parts : list of IndexPart
        In the order in which they were added.
    items : list
        Names of all clips.
    n_vectors : int
        Number of vectors of all parts.
    """

    def __init__(self, parts=()):
        self.parts: list[IndexPart] = list(parts)
        self.items = [item for part in self.parts for item in part.items]
        self.n_vectors = sum(len(part.vectors) for part in self.parts)

    @property
    def sources(self) -> list:
        """Files of all clips; None for what came as samples or vectors."""
        return [source for part in self.parts for source in part.sources]

    def append(self, part: IndexPart) -> None:
        """Add a part at the end."""
        self.parts.append(part)
        self.items += part.items
        self.n_vectors += len(part.vectors)

    def set_sources(self, changes: dict[int, tuple]) -> None:
        """Let clips have other names and files: (name, source) by their numbers."""
        ends = np.cumsum([len(part.items) for part in self.parts])
        for number, (name, source) in changes.items():
            at = int(np.searchsorted(ends, number, side="right"))
            part = self.parts[at]
            part.set_source(number - int(ends[at]) + len(part.items), name, source)
            self.items[number] = name

    def without(self, numbers: set[int]) -> tuple[IndexContent, np.ndarray]:
        """The content but for some clips, by their numbers, and a mask of the vectors it keeps."""
        mask = np.ones(len(self.items), bool)
        mask[list(numbers)] = False
        kept, start = [], 0
        for part in self.parts:
            own = mask[start : start + len(part.items)]
            start += len(part.items)
            if own.all():
                kept.append(part)
            elif own.any():
                kept.append(part.select(own))
        return IndexContent(kept), np.repeat(mask, np.concatenate([p.counts for p in self.parts]))

    @property
    def is_framed(self) -> bool:
        """Whether the vectors are of windows, with times."""
        return bool(self.parts) and self.parts[0].times is not None

    @property
    def width(self) -> int | None:
        """Length of the vectors; None where there are none."""
        return self.parts[0].vectors.shape[1] if self.parts else None

    def vectors(self) -> np.ndarray:
        """All vectors in one array, of which the parts become views."""
        if len(self.parts) > 1:
            matrix = np.concatenate([part.vectors for part in self.parts])
            self.share(matrix)
            return matrix
        return self.parts[0].vectors

    def share(self, matrix: np.ndarray) -> None:
        """Let the parts be views of all vectors in one array."""
        ends = np.cumsum([len(part.vectors) for part in self.parts])
        for part, rows in zip(self.parts, np.split(matrix, ends[:-1]), strict=True):
            part.vectors = rows

    def items_of(self, rows: np.ndarray) -> list:
        """Names of the clips that vectors belong to."""
        ends = np.cumsum(np.concatenate([part.counts for part in self.parts]))
        return [self.items[clip] for clip in np.searchsorted(ends, rows, side="right")]

    def times_of(self, rows: np.ndarray) -> np.ndarray:
        """Start and end of vectors (n_rows, 2) in seconds."""
        return np.concatenate([part.times for part in self.parts])[rows]

    def for_saving(self, *, keep_files: bool) -> list[IndexPart]:
        """Parts that lie in a folder already, and one part of all that came last.

        Saved parts that are not much larger than the new one are joined with it, so that a
        thousand small additions do not become a thousand files.

        Parameters
        ----------
        keep_files : bool
            Whether the folder that the parts lie in is the one to save into.
        """
        saved = list(self.parts)
        if not keep_files:
            return [_join(saved)] if saved else []
        new = []
        while saved and not saved[-1].files:
            new.insert(0, saved.pop())
        while new and saved and len(saved[-1].vectors) <= 2 * sum(len(p.vectors) for p in new):
            new.insert(0, saved.pop())
        return [*saved, _join(new)] if new else saved


def _join(parts: list[IndexPart]) -> IndexPart:
    if len(parts) == 1:
        only = parts[0]
        return IndexPart(only.vectors, only.items, only.counts, only.times, sources=only.sources)
    timed = parts[0].times is not None
    return IndexPart(
        np.concatenate([part.vectors for part in parts]),
        [item for part in parts for item in part.items],
        np.concatenate([part.counts for part in parts]),
        np.concatenate([part.times for part in parts]) if timed else None,
        sources=[source for part in parts for source in part.sources],
    )
