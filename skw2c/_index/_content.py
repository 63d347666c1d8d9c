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

    def append(self, part: IndexPart) -> None:
        """Add a part at the end."""
        self.parts.append(part)
        self.items += part.items
        self.n_vectors += len(part.vectors)

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
        """Parts that lie in a folder already, and one part of all others.

        Saved parts that are not much larger than the new one are joined with it, so that a
        thousand small additions do not become a thousand files.

        Parameters
        ----------
        keep_files : bool
            Whether the folder that the parts lie in is the one to save into.
        """
        saved = [part for part in self.parts if keep_files and part.files]
        new = self.parts[len(saved) :]
        while new and saved and len(saved[-1].vectors) <= 2 * sum(len(p.vectors) for p in new):
            new.insert(0, saved.pop())
        return [*saved, _join(new)] if new else saved


def _join(parts: list[IndexPart]) -> IndexPart:
    if len(parts) == 1:
        only = parts[0]
        return IndexPart(only.vectors, only.items, only.counts, only.times)
    timed = parts[0].times is not None
    return IndexPart(
        np.concatenate([part.vectors for part in parts]),
        [item for part in parts for item in part.items],
        np.concatenate([part.counts for part in parts]),
        np.concatenate([part.times for part in parts]) if timed else None,
    )
