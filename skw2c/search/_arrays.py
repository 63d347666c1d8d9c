"""Arrays in files from outside: nothing is allocated or mapped before the header fits the file."""

from __future__ import annotations

import os
from typing import BinaryIO

import numpy as np

_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_HEADER = 1024  # bytes; what `np.save` writes of plain numbers has 128


def read_array(file: BinaryIO, dtype, n_dimensions: int, *, mapped: bool = False) -> np.ndarray:
    """Read the array at the place where a file stands, and go on to its end.

    Parameters
    ----------
    file : binary file
        On disk.
    dtype : dtype
        What the numbers must be.
    n_dimensions : int
        How many dimensions there must be.
    mapped : bool, default=False
        Whether to map the file, so that the numbers are read when they are needed.

    Raises
    ------
    ValueError
        If the file holds another kind of array, or claims more numbers than follow.
    """
    shape, found = _read_header(file)
    if found != np.dtype(dtype) or len(shape) != n_dimensions:
        raise ValueError(
            f"its array has the shape {shape} and the type {found}, expected {n_dimensions} "
            f"dimensions of {np.dtype(dtype)}"
        )
    n_numbers = 1
    for length in shape:
        n_numbers *= length
    n_bytes, start = n_numbers * found.itemsize, file.tell()
    left = os.fstat(file.fileno()).st_size - start
    if n_bytes > left:
        raise ValueError(f"its array claims {n_bytes} bytes, and {left} follow")
    file.seek(start + n_bytes)
    if mapped and n_bytes:
        return np.memmap(file, found, "r", start, shape)
    file.seek(start)
    return np.fromfile(file, found, n_numbers).reshape(shape)


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        read = _READERS[version]
        shape, in_columns, dtype = read(file, max_header_size=_HEADER)
    except Exception as exc:  # what numpy raises depends on the kind of damage
        raise ValueError(f"it holds no array ({type(exc).__name__})") from exc
    if in_columns and len(shape) > 1:
        raise ValueError("its array is written by columns")
    if any(type(length) is not int or length < 0 for length in shape):
        raise ValueError(f"its array has the shape {shape}")
    return shape, dtype


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
