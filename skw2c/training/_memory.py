"""The memory of training: kept from one step to the next, and what to do where it lacks."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from ..system._memory_errors import is_lack_of_memory

# Parameters of mallopt, as malloc.h of glibc numbers them.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4


@contextmanager
def keep_freed_memory() -> Iterator[None]:
    """Let the process keep what it frees, while this lasts; elsewhere than on glibc do nothing.

    A step on the CPU frees large maps, and the next one asks for the same again. glibc hands
    large blocks back to the system, and gets others page by page, each filled with zeros
    first: about a tenth of a step. In between they are now kept.
    """
    glibc = _find_glibc()
    if glibc is None:
        yield
        return
    glibc.mallopt(_MMAP_MAX, 0)
    glibc.mallopt(_TRIM_THRESHOLD, -1)
    try:
        yield
    finally:
        # Where glibc by itself arrives as soon as one large block was freed.
        glibc.mallopt(_MMAP_MAX, 65536)
        glibc.mallopt(_MMAP_THRESHOLD, 32 << 20)
        glibc.mallopt(_TRIM_THRESHOLD, 64 << 20)
        glibc.malloc_trim(0)


@contextmanager
def explain_lack(place: str, precision: str) -> Iterator[None]:
    """Say what to do where memory lacks while this lasts.

    Another size of batches learns something else, so it is not chosen here.

    Parameters
    ----------
    place : str
        The device.
    precision : str
        That of the run.

    Raises
    ------
    MemoryError
        Instead of the error of torch.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as exc:
        if not is_lack_of_memory(exc):
            raise
        cure = "choose a smaller batch_size"
        if place != "cpu" and precision == "32-true":
            cure += ", or precision='bf16-mixed'"
        raise MemoryError(f"There is not enough memory on {place!r} to train: {cure}") from exc


@cache
def _find_glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
