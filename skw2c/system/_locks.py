"""Locks that end with the process that holds them, however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


class LockedError(FileExistsError):
    """Another process, or another thread of this one, holds the lock."""


@contextmanager
def hold_lock(path: str | os.PathLike, message: str, *, timeout: float = 0) -> Iterator[None]:
    """Hold the lock of a file while the block runs.

    The file is made where it is missing, and stays: to remove it while others may wait for it
    would give two of them a lock each. What was killed holds nothing.

    Parameters
    ----------
    path : str or os.PathLike
        The file; its folder exists.
    message : str
        Of the error where another holds the lock: what is going on, and the cure.
    timeout : float, default=0
        Seconds to wait for the other; negative waits for ever.

    Raises
    ------
    LockedError
        If another holds the lock after ``timeout``.
    FileNotFoundError
        If its folder is removed meanwhile.
    OSError
        If the file cannot be written.
    """
    from filelock import FileLock, Timeout

    # Not of the thread: another thread may end what this one has begun.
    lock = FileLock(os.fspath(path), timeout=timeout, thread_local=False)
    try:
        lock.acquire()
    except Timeout as exc:
        raise LockedError(message) from exc
    except FileExistsError:  # another has removed and made the folder meanwhile
        raise FileNotFoundError(os.fspath(path)) from None
    try:
        yield
    finally:
        lock.release()
