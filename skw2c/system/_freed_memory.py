"""Freed memory stays with the process for a moment, where its surroundings would not have it so."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

# Of glibc's malloc.h, and the values that it comes to by itself where nobody sets any.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MOST_TRIM, _MOST_MMAP = 1 << 26, 1 << 25


def keep_freed_memory() -> None:
    """Let glibc keep up to 64 MB of freed memory, as it does in an ordinary process.

    Workers of Dask are started with ``MALLOC_TRIM_THRESHOLD_`` in their environment, by which each
    large block goes back to the system as soon as it is freed. Networks ask for such blocks again
    and again, and half of their time would be spent on that.
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):  # another C library
        set_option = ctypes.CDLL(None).mallopt
        set_option(_TRIM_THRESHOLD, _MOST_TRIM)
        set_option(_MMAP_THRESHOLD, _MOST_MMAP)
