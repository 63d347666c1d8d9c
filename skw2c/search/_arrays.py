"""Arrays in files from outside: nothing is allocated or mapped before the header fits the file."""

from __future__ import annotations

import io
import mmap
import os
from pathlib import Path

import numpy as np

_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_HEADER = 1024  # bytes; what `np.save` writes of plain numbers has 128
_PREFIX = 16  # bytes at most of the magic and of the length of the header

MAPPED = 1 << 26
"""Bytes of a file above which it is mapped: its numbers are read when they are needed."""


def open_buffer(path: str | os.PathLike) -> bytes | mmap.mmap:
    """The content of a file: read, or mapped if it is large.

    What is mapped stays as it is if the file is replaced or removed.
    """
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size <= MAPPED:
            return file.read()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class ArrayReader:
    """Read arrays that stand in a buffer one after the other, as `np.save` writes them.

    They are views of the buffer, and cannot be written to.

    Parameters
    ----------
    buffer : bytes or mmap
    position : int, default=0
        Where the first array begins.
    """

    def __init__(self, buffer, position: int = 0):
        self._buffer, self.position = buffer, position

    def read(self, dtype, n_dimensions: int) -> np.ndarray:
        """Read the next array.

        Parameters
        ----------
        dtype : dtype
            What the numbers must be.
        n_dimensions : int
            How many dimensions there must be.

        Raises
        ------
        ValueError
            If there is another kind of array, or it claims more numbers than follow.
        """
        shape, found, start = self._read_header()
        if found != np.dtype(dtype) or len(shape) != n_dimensions:
            raise ValueError(
                f"its array has the shape {shape} and the type {found}, expected {n_dimensions} "
                f"dimensions of {np.dtype(dtype)}"
            )
        n_numbers = 1
        for length in shape:
            n_numbers *= length
        n_bytes, left = n_numbers * found.itemsize, len(self._buffer) - start
        if n_bytes > left:
            raise ValueError(f"its array claims {n_bytes} bytes, and {left} follow")
        self.position = start + n_bytes
        if not n_numbers:
            return np.empty(shape, found)
        return np.frombuffer(self._buffer, found, n_numbers, start).reshape(shape)

    def _read_header(self) -> tuple[tuple[int, ...], np.dtype, int]:
        head = io.BytesIO(self._buffer[self.position : self.position + _HEADER + _PREFIX])
        try:
            version = np.lib.format.read_magic(head)
            shape, in_columns, dtype = _READERS[version](head, max_header_size=_HEADER)
        except Exception as exc:  # what numpy raises depends on the kind of damage
            raise ValueError(f"it holds no array ({type(exc).__name__})") from exc
        if in_columns and len(shape) > 1:
            raise ValueError("its array is written by columns")
        if any(type(length) is not int or length < 0 for length in shape):
            raise ValueError(f"its array has the shape {shape}")
        if dtype.hasobject:
            raise ValueError("its array holds objects")
        return shape, dtype, self.position + head.tell()


def write_rows(path: Path, blocks, shape: tuple[int, ...], dtype) -> None:
    """Write an array of a shape whose rows come block by block, as `np.save` would."""
    header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype).data)


def check_range(array: np.ndarray, lowest: float, highest: float) -> None:
    """Check block by block that all numbers lie in a range, which NaN does not.

    Raises
    ------
    ValueError
        If one does not.
    """
    step = max(1, (1 << 22) // max(array[:1].size, 1))
    for start in range(0, len(array), step):
        block = array[start : start + step]
        if block.size and not (block.min() >= lowest and block.max() <= highest):
            raise ValueError(f"its numbers are not all from {lowest} to {highest}")
