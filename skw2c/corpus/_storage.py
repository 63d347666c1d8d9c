"""Where a data set lies: in a folder, or in a bucket. Whatever is written is whole or absent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from ..files import RemoteError, is_remote, open_filesystem
from ..system._atomic import write_atomically
from ..system._locks import hold_lock


def open_storage(place: str | os.PathLike) -> LocalStorage | RemoteStorage:
    """The storage of a folder, or of an address such as ``s3://bucket/vectors``."""
    place = os.fspath(place)
    if is_remote(place):
        return RemoteStorage(place)
    return LocalStorage(os.path.abspath(os.path.expanduser(place)))


class LocalStorage:
    """A folder.

    Parameters
    ----------
    place : str
        Its absolute path.
    """

    def __init__(self, place: str):
        if os.path.lexists(place) and not os.path.isdir(place):
            raise NotADirectoryError(f"{place!r} is a file, expected a folder for vectors")
        self.place = place

    def names(self, folder: str = "") -> list[str]:
        """The names of what lies in a folder, sorted; none if there is no folder."""
        path = Path(self.place, folder)
        return sorted(os.listdir(path)) if path.is_dir() else []

    def read(self, name: str) -> bytes:
        """The content of a file; `FileNotFoundError` if there is none."""
        return Path(self.place, name).read_bytes()

    def write(self, name: str, content: bytes | memoryview) -> None:
        """Write a file, and the folders above it."""
        path = Path(self.place, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        Path(self.place, name).unlink(missing_ok=True)

    @contextmanager
    def open(self, name: str) -> Iterator:
        """Open a file for reading here and there in it."""
        with open(Path(self.place, name), "rb") as file:
            yield file

    def hold_lock(self, name: str, message: str, *, timeout: float = 0) -> AbstractContextManager:
        """Hold a lock while a block runs; `LockedError` with the message if another does."""
        path = Path(self.place, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return hold_lock(path, message, timeout=timeout)


class RemoteStorage:
    """A folder in a bucket, where nothing can be locked.

    Parameters
    ----------
    place : str
        Its address.
    """

    def __init__(self, place: str):
        self.place = place.rstrip("/")
        self._filesystem, self._path = open_filesystem(self.place)

    def names(self, folder: str = "") -> list[str]:
        """The names of what lies in a folder, sorted; none if there is no folder."""
        path = self._where(folder).rstrip("/")
        try:
            found = self._filesystem.ls(path, detail=False)
        except FileNotFoundError:
            return []
        names = (name.rstrip("/").rpartition("/")[2] for name in found)
        return sorted(name for name in names if name)

    def read(self, name: str) -> bytes:
        """The content of a file; `FileNotFoundError` if there is none."""
        return self._filesystem.cat_file(self._where(name))

    def write(self, name: str, content: bytes | memoryview) -> None:
        """Write a file in one request."""
        try:
            self._filesystem.pipe_file(self._where(name), bytes(content))
        except OSError as exc:
            raise RemoteError(f"{self.place}/{name} cannot be written ({exc})") from exc

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        with suppress(FileNotFoundError):
            self._filesystem.rm_file(self._where(name))

    def open(self, name: str) -> AbstractContextManager:
        """Open a file for reading here and there in it."""
        return self._filesystem.open(self._where(name), "rb", block_size=1 << 18)

    def hold_lock(self, name: str, message: str, *, timeout: float = 0) -> AbstractContextManager:
        """Hold nothing: two runs at once do each other's work, and write the same."""
        return nullcontext()

    def _where(self, name: str) -> str:
        return f"{self._path}/{name}" if name else self._path
