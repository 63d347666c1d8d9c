"""Members of zip and tar files, which are opened once and read one at a time."""

from __future__ import annotations

import os
import shutil
import tarfile
import threading
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from ._problems import MissingFileError, RemoteError
from ._stamp import Stamp, stamp_of_zipped

_KEPT = 8
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError)
_archives: OrderedDict[tuple, Archive] = OrderedDict()
_lock = threading.RLock()


class Archive:
    """An open archive.

    Parameters
    ----------
    file : binary file
        Open for reading; it can be moved in. The archive closes it.
    stamp : Stamp
        Of the archive itself.

    Raises
    ------
    RemoteError
        If it is neither a zip nor a tar file.
    """

    def __init__(self, file: BinaryIO, stamp: Stamp):
        self._file = file
        self._stamp = stamp
        self._lock = threading.RLock()
        self._zip: zipfile.ZipFile | None = None
        self._tar: tarfile.TarFile  # where it is no zip file
        try:
            if zipfile.is_zipfile(file):
                self._zip = zipfile.ZipFile(file)
                return
            file.seek(0)
            self._tar = tarfile.open(fileobj=file, mode="r:*")  # noqa: SIM115, it is kept open
        except _DAMAGE as exc:
            raise RemoteError("the archive is damaged, or neither a zip nor a tar file") from exc

    def __del__(self):
        self._file.close()

    def names(self) -> list[str]:
        """The names of its files, as they come."""
        with self._lock, _as_remote_error():
            if self._zip is not None:
                return [info.filename for info in self._zip.infolist() if not info.is_dir()]
            return [info.name for info in self._tar.getmembers() if info.isfile()]

    def stamp(self, member: str) -> Stamp:
        """The stamp of a member: a zip file has checksums, and a tar file is what it was or not."""
        with self._lock, _as_remote_error():
            info = self._find(member)
            if self._zip is not None:
                return stamp_of_zipped(info.file_size, info.CRC, info.date_time)
            where = f"tar:{self._stamp.version}:{info.offset_data}"
            return Stamp(info.size, int(info.mtime) * 10**9, where)

    def copy(self, member: str, target: BinaryIO) -> None:
        """Copy the content of a member; zip files are compared with their checksums."""
        with self._lock, _as_remote_error():
            info = self._find(member)
            with self._open(info) as source:
                shutil.copyfileobj(source, target, 1 << 20)
            if target.tell() != (info.size if self._zip is None else info.file_size):
                raise RemoteError("the archive is truncated")

    def _open(self, info: Any) -> Any:
        if self._zip is None:
            return self._tar.extractfile(info)
        if info.flag_bits & 1:
            raise RemoteError("it is encrypted: unpack the archive first")
        return self._zip.open(info)

    def _find(self, member: str) -> Any:
        info: Any
        try:
            info = self._tar.getmember(member) if self._zip is None else self._zip.getinfo(member)
        except KeyError as exc:
            raise MissingFileError(f"the archive has no file {member!r}") from exc
        if info.isdir() if self._zip is None else info.is_dir():
            raise RemoteError("it is a folder, not a file")
        if self._zip is None and not info.isreg():
            raise RemoteError("it is a link or a device in the archive, not a file")
        return info


@contextmanager
def _as_remote_error() -> Iterator[None]:
    """Put damage of an archive in words."""
    try:
        yield
    except _DAMAGE as exc:
        what = f"{type(exc).__name__}: {exc}"
        raise RemoteError(f"the archive is damaged, or changed meanwhile ({what})") from exc


def keep_archive(key: tuple, make: Callable[[], Archive]) -> Archive:
    """Give the archive under ``key``, opened where it is not.

    Parameters
    ----------
    key : tuple
        Its address, and what tells whether it has changed.
    make : callable
        Opens it. The archives that were asked for longest ago make room.
    """
    key = (os.getpid(), *key)  # a forked process would move in the files of its parent
    with _lock:
        if key not in _archives:
            _archives[key] = make()
        _archives.move_to_end(key)
        while len(_archives) > _KEPT:
            _archives.popitem(last=False)
        return _archives[key]
