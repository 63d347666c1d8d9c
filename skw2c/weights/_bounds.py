"""How much a file of weights may unpack to, so that a small file cannot fill the memory.

Weights are close to noise and hardly compress, so a file holds about as many bytes as its
tensors take. What states or unpacks to far more is not a file of weights.
"""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

MAX_ENTRIES = 10_000  # the networks that are read here have some thousand at most
_FLOOR = 64 << 20  # what any machine has to spare
_RATIO = 10  # eight-bit numbers that are read as float32 take 4; compressed ones some more
_MAX_MEMBERS = 100_000
_TYPES = {
    *("float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2"),
    *("complex64", "complex128", "bool"),
    *("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
}


class TooLargeError(ValueError):
    """A file states or unpacks to more than a file of its size can hold."""


def unpacked_limit(path: str | os.PathLike) -> int:
    """How many bytes the tensors of a file may take, by the size of the file."""
    return max(_FLOOR, _RATIO * os.path.getsize(path))


class Budget:
    """Bytes that may still be allocated for a file.

    Parameters
    ----------
    n_bytes : int
        The limit.
    """

    def __init__(self, n_bytes: int):
        self._limit = self._left = n_bytes

    def take(self, n_bytes: int, what: str) -> None:
        """Count bytes before they are allocated.

        Raises
        ------
        TooLargeError
            If they are more than is left.
        """
        self._left -= n_bytes
        if self._left < 0:
            raise TooLargeError(
                f"with {what} it unpacks to more than {self._limit} bytes, which weights in a "
                "file of this size cannot"
            )


def count_entries(n_entries: int) -> None:
    """Refuse more entries than any network has.

    Raises
    ------
    TooLargeError
        If there are more than `MAX_ENTRIES`.
    """
    if n_entries > MAX_ENTRIES:
        raise TooLargeError(f"it has more than {MAX_ENTRIES} entries, which no network here has")


def check_tensors(tensors: Iterable[Any], budget: Budget) -> None:
    """Refuse tensors, or arrays, that take more memory than their file when each is copied.

    Those that repeat one number, or one storage under many names, take next to none before.
    """
    for n_entries, tensor in enumerate(tensors, 1):
        count_entries(n_entries)
        if str(tensor.dtype).removeprefix("torch.") not in _TYPES:
            raise ValueError(f"it holds numbers of type {tensor.dtype}")
        # What has no elements may still state sizes, of which networks are made.
        n_elements = math.prod(max(size, 1) for size in tensor.shape)
        budget.take(n_elements * tensor.itemsize, "its tensors")


@contextmanager
def open_archive(path: str | os.PathLike) -> Iterator[zipfile.ZipFile]:
    """Open a zip file of which every member can be read whole.

    Raises
    ------
    TooLargeError
        If the members are together larger than the limit.
    ValueError
        If a member is encrypted, compressed in an unusual way, or there twice.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > _MAX_MEMBERS:
            raise TooLargeError(f"it has more than {_MAX_MEMBERS} members")
        if len({member.filename for member in members}) < len(members):
            raise ValueError("it has two members of the same name")
        # Decoders of other methods take gigabytes because a header says so.
        if not {m.compress_type for m in members} <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise ValueError("it is compressed by another method than deflate")
        Budget(unpacked_limit(path)).take(sum(m.file_size for m in members), "its members")
        yield archive
