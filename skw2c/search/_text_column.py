"""Many texts in two arrays, which may be mapped from a file and are decoded one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

_AT_ONCE = 1 << 16  # texts


class TextColumn:
    """Texts in UTF-8, one after the other, and where each of them ends.

    This is how Arrow lays out texts. Names of files may have bytes that are no text: they are
    kept.

    Parameters
    ----------
    letters : ndarray of shape (n_bytes,), uint8
    ends : ndarray of shape (n_texts,), int64
    """

    def __init__(self, letters: np.ndarray, ends: np.ndarray):
        self.letters, self.ends = letters, ends

    @classmethod
    def of(cls, texts: Iterable[str]) -> TextColumn:
        """Put texts into a column."""
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends)

    @classmethod
    def joined(cls, columns: Sequence[TextColumn]) -> TextColumn:
        """The texts of several columns."""
        starts = np.cumsum([0, *(len(column.letters) for column in columns)])
        ends = [column.ends + start for column, start in zip(columns, starts[:-1], strict=True)]
        return cls(np.concatenate([c.letters for c in columns]), np.concatenate(ends))

    def __len__(self):
        return len(self.ends)

    def __getitem__(self, number: int) -> str:
        start, end = int(self.ends[number - 1]) if number else 0, int(self.ends[number])
        if not 0 <= start <= end <= len(self.letters):
            raise ValueError("its texts do not follow one after the other")
        return self.letters[start:end].tobytes().decode("utf-8", "surrogatepass")

    def check(self) -> None:
        """Check that each text ends after the one before it, and all in the column.

        Raises
        ------
        ValueError
            If it is otherwise.
        """
        if not len(self):
            return
        in_order = self.ends[0] >= 0 and (np.diff(self.ends) >= 0).all()
        if not in_order or self.ends[-1] != len(self.letters):
            raise ValueError("its texts do not follow one after the other")

    def select(self, kept: np.ndarray) -> TextColumn:
        """Those that a mask keeps."""
        self.check()
        lengths = np.diff(self.ends, prepend=0)
        blocks = [np.zeros(0, np.uint8)]
        for first in range(0, len(self), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            start = int(self.ends[first - 1]) if first else 0
            letters = self.letters[start : start + int(lengths[some].sum())]
            blocks.append(letters[np.repeat(kept[some], lengths[some])])
        return TextColumn(np.concatenate(blocks), np.cumsum(lengths[kept], dtype=np.int64))

    def begins_with(self, start: str) -> np.ndarray:
        """A mask of the texts that begin with another one."""
        self.check()
        wanted = np.frombuffer(start.encode("utf-8", "surrogatepass"), np.uint8)
        firsts = self.ends - np.diff(self.ends, prepend=0)
        found = self.ends - firsts >= len(wanted)
        if not len(wanted):
            return found
        for first in range(0, len(self), _AT_ONCE):
            some = first + np.flatnonzero(found[first : first + _AT_ONCE])
            letters = self.letters[firsts[some, None] + np.arange(len(wanted))]
            found[some] = (letters == wanted).all(axis=1)
        return found
