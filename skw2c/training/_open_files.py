"""Files that are open to be read at any place, from several threads and after a fork."""

from __future__ import annotations

import os
import stat
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np

from ..exceptions import ShardError

_OPEN_FILES = 64
# A pipe is to be refused, not waited for.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_place_lock = threading.Lock()


class OpenFile:
    """A file that is open for reading.

    It is read, not mapped: of a file that someone cuts off meanwhile, a map would end the
    process, and a read ends with an error.

    Parameters
    ----------
    path : str or os.PathLike

    Attributes
    ----------
    size : int
        In bytes, when it was opened.

    Raises
    ------
    ShardError
        If it cannot be opened, or is a pipe, a device or a folder.
    """

    _descriptor = -1

    def __init__(self, path: str | os.PathLike):
        try:
            self._descriptor = os.open(path, _FLAGS)
            status = os.fstat(self._descriptor)
        except (OSError, ValueError) as exc:
            raise _unreadable(exc) from exc
        if not stat.S_ISREG(status.st_mode):
            raise ShardError("the file cannot be read (it is a pipe, a device or a folder)")
        self.size = status.st_size

    def __del__(self):
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def read(self, place: int, size: int) -> bytes:
        """Read ``size`` bytes from ``place`` on.

        Raises
        ------
        ShardError
            If the file ends before.
        """
        content = bytearray(size)
        self.read_into(place, content)
        return bytes(content)

    def read_into(self, place: int, target: np.ndarray | bytearray) -> None:
        """Fill an array, whose bytes lie one after the other, from ``place`` on.

        Raises
        ------
        ShardError
            If the file ends before.
        """
        left = (target.data if isinstance(target, np.ndarray) else memoryview(target)).cast("B")
        while left:
            try:
                n_read = _read_at(self._descriptor, left, place)
            except OSError as exc:
                raise _unreadable(exc) from exc
            if n_read == 0:
                raise ShardError(f"the file ends before byte {place + len(left)}, and had that")
            left, place = left[n_read:], place + n_read


def _unreadable(exc: Exception) -> ShardError:
    return ShardError(f"the file cannot be read ({getattr(exc, 'strerror', None) or exc})")


def _read_at(descriptor: int, target: memoryview, place: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(descriptor, [target], place)
    with _place_lock:  # Windows has only one place for each file
        os.lseek(descriptor, place, os.SEEK_SET)
        content = os.read(descriptor, len(target))
    target[: len(content)] = content
    return len(content)


class OpenFiles:
    """Some of many files, those that were read last.

    Parameters
    ----------
    files : list of tuple (path, size in bytes)
    """

    def __init__(self, files: list[tuple[Path, int]]):
        self._files = files
        self._forget()

    def __getstate__(self) -> dict:
        return {"_files": self._files}

    def __setstate__(self, state: dict) -> None:
        self._files = state["_files"]
        self._forget()

    def path(self, number: int) -> Path:
        """Where a file lies."""
        return self._files[number][0]

    def get(self, number: int) -> OpenFile:
        """A file, opened again where it was not among the last.

        Raises
        ------
        ShardError
            If it cannot be opened, or has another size than before.
        """
        if self._process != os.getpid():
            self._forget()  # a thread of the parent may have held the lock during the fork
        with self._lock:
            if number not in self._open:
                self._open[number] = self._open_again(number)
            self._open.move_to_end(number)
            if len(self._open) > _OPEN_FILES:
                self._open.popitem(last=False)
            return self._open[number]

    def _forget(self) -> None:
        self._open: OrderedDict[int, OpenFile] = OrderedDict()
        self._lock = threading.Lock()
        self._process = os.getpid()

    def _open_again(self, number: int) -> OpenFile:
        path, size = self._files[number]
        try:
            file = OpenFile(path)
        except ShardError as exc:
            raise ShardError(f"{path}: {exc}") from exc
        if file.size != size:
            raise ShardError(
                f"{path}: the file has {file.size} bytes, and had {size} when it was opened"
            )
        return file
