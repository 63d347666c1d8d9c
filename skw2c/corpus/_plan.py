"""Which file is in which part: written once, only added to."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

FILES_PER_PART = 1000
BYTES_PER_PART = 2_000_000_000
_LARGE = 4
"""A file of more than this fraction of a part is a part of its own."""
_SMALLEST, _AT_LEAST = 16, 32
"""Few files are divided into about 32 parts, but not into smaller ones than 16 files."""


class Plan:
    """The parts of a data set.

    Parameters
    ----------
    table : pyarrow.Table
        Columns ``part`` (int32) and ``file`` (string), sorted by part.
    """

    def __init__(self, table: pa.Table):
        self.table = table
        numbers = table["part"].to_numpy()
        self.numbers, self._starts = np.unique(numbers, return_index=True)
        self._ends = np.append(self._starts[1:], len(numbers))

    @classmethod
    def empty(cls) -> Plan:
        """A plan without files."""
        return cls(pa.table({"part": pa.array([], pa.int32()), "file": pa.array([], pa.string())}))

    def __len__(self) -> int:
        return len(self.table)

    def files(self, number: int) -> list[str]:
        """The files of a part, as text."""
        return self.table["file"].slice(*self._span(number)).to_pylist()

    def rows(self, number: int) -> range:
        """The rows of the plan that belong to a part."""
        start, length = self._span(number)
        return range(start, start + length)

    def _span(self, number: int) -> tuple[int, int]:
        place = int(np.searchsorted(self.numbers, number))
        start = int(self._starts[place])
        return start, int(self._ends[place]) - start

    def extend(
        self, texts: pa.Array, sizes: np.ndarray, files_per_part: int, bytes_per_part: int
    ) -> Plan:
        """Add the files that it does not have yet, as further parts.

        Parameters
        ----------
        texts : pyarrow.Array of strings
            Names as text, sorted, each once.
        sizes : ndarray of int64
            Their sizes in bytes.
        files_per_part, bytes_per_part : int
            Most files and bytes of a part.
        """
        is_new = pc.invert(pc.is_in(texts, value_set=self.table["file"].combine_chunks()))
        is_new = is_new.to_numpy(zero_copy_only=False)
        if not is_new.any():
            return self
        first = int(self.numbers[-1]) + 1 if len(self.numbers) else 0
        per_part = _choose_number(int(is_new.sum()), files_per_part)
        numbers = first + cut(sizes[is_new], per_part, bytes_per_part)
        added = pa.table(
            {"part": pa.array(numbers, pa.int32()), "file": texts.filter(pa.array(is_new))}
        )
        added = added.take(pa.array(np.argsort(numbers, kind="stable")))
        return Plan(pa.concat_tables([self.table, added]).combine_chunks())

    def without(self, texts: list[str]) -> Plan:
        """Leave files out."""
        gone = pc.is_in(self.table["file"], value_set=pa.array(texts, pa.string()))
        return Plan(self.table.filter(pc.invert(gone)).combine_chunks())


def cut(sizes: np.ndarray, files_per_part: int, bytes_per_part: int) -> np.ndarray:
    """Number the parts of files from 0, in their order; a large file is a part of its own."""
    numbers = np.empty(len(sizes), np.int32)
    current, n_files, n_bytes, highest = -1, files_per_part, 0, -1
    for row, size in enumerate(sizes.tolist()):
        if size * _LARGE > bytes_per_part:
            highest += 1
            numbers[row] = highest
            continue
        if n_files >= files_per_part or n_bytes + size > bytes_per_part:
            highest += 1
            current, n_files, n_bytes = highest, 0, 0
        numbers[row] = current
        n_files, n_bytes = n_files + 1, n_bytes + size
    return numbers


def _choose_number(n_files: int, most: int) -> int:
    return min(most, max(_SMALLEST, -(-n_files // _AT_LEAST)))
