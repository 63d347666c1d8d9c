"""Files that appear whole or not at all.

A file is written under another name beside the one it replaces, and holds a lock as long as its
writer lives. Whatever a killed writer left is removed by the next one in the same folder.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import socket
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed, which is as good as a lock
    fcntl = None  # type: ignore[assignment]  # a module cannot be declared to be absent

_UNFINISHED = re.compile(r"\.skw2c-([0-9a-f]{8})-[0-9a-f]{32}\..+", re.DOTALL)
_DEAD = 86400.0
"""Seconds without a change after which a file is left over, where its lock proves nothing."""
_LONGEST = 160  # bytes of a name that are kept in the other one; file systems take 255 in all
_PROBE = bytes(1 << 16)


@contextmanager
def replace_atomically(path: str | os.PathLike, *, durable: bool = True) -> Iterator[Path]:
    """Give the name of an empty file that takes its place when the block ends well.

    Through a symbolic link, the file that it points to is replaced. The mode of a file that is
    there is kept.

    Parameters
    ----------
    path : str or os.PathLike
    durable : bool, default=True
        Whether the file outlives a power cut from the end of the block on, and what killed
        writers left in the folder is removed. False is quicker, for what is soon made again.

    Raises
    ------
    OSError
        If the file cannot be written. It names ``path`` and the cause.
    """
    place = check_place(path)
    if durable:
        remove_leftovers(place.parent)
    temporary, handle = _create(place, path)
    try:
        with _naming(path, temporary, handle):
            yield temporary
            _keep_mode(place, handle)
            if durable:
                os.fsync(handle)
            if fcntl is None:
                os.close(handle)  # Windows moves no open file
                handle = None
            os.replace(temporary, place)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    finally:
        if handle is not None:
            os.close(handle)
    if durable:
        sync_folder(place.parent)


@contextmanager
def open_atomically(path: str | os.PathLike, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name when all is written, and only then."""
    with (
        replace_atomically(path, durable=durable) as temporary,
        open(temporary, "r+b") as file,
    ):
        yield file


def write_atomically(
    path: str | os.PathLike, content: bytes | memoryview, *, durable: bool = True
) -> None:
    """Write a file that appears whole or not at all."""
    with open_atomically(path, durable=durable) as file:
        file.write(content)


def check_place(path: str | os.PathLike) -> Path:
    """Where a file of this name is written, which is elsewhere where the name is a link.

    Raises
    ------
    OSError
        If no file can be written there: there is a folder, a device or a protected file of
        that name, or a link that leads nowhere.
    """
    is_link = os.path.islink(path)
    place = Path(os.path.realpath(path)) if is_link else Path(path)
    what = f"it is a link to {str(place)!r}, which" if is_link else "it"
    try:
        mode = os.stat(place).st_mode
    except FileNotFoundError:
        if is_link and not place.parent.is_dir():
            cause = f"it is a link to {str(place)!r}, whose folder does not exist"
            raise FileNotFoundError(errno.ENOENT, cause, os.fspath(path)) from None
        return place
    except OSError as exc:
        raise OSError(exc.errno, exc.strerror, os.fspath(path)) from exc
    if stat.S_ISDIR(mode):
        cause = f"{what} is a folder, and a file is to be written"
        raise IsADirectoryError(errno.EISDIR, cause, os.fspath(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"{what} is a device or a pipe, not a file", os.fspath(path))
    if not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, f"{what} is write-protected", os.fspath(path))
    return place


def remove_leftovers(folder: str | os.PathLike[str]) -> None:
    """Remove what killed writers left in a folder; what live ones are writing stays."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _UNFINISHED.fullmatch(entry.name)
            if match:
                with suppress(OSError):
                    _remove_if_dead(entry.path, is_from_here=match[1] == _host())


def sync_folder(folder: str | os.PathLike) -> None:
    """Bring the names in a folder to the disk, where the file system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@cache
def _host() -> str:
    """A name for this machine, of eight letters."""
    return hashlib.blake2b(socket.gethostname().encode(), digest_size=4).hexdigest()


def _create(place: Path, path: str | os.PathLike) -> tuple[Path, int]:
    """Make an empty file beside a place and lock it; errors name the path that means the place."""
    name = place.name
    while len(os.fsencode(name)) > _LONGEST:
        name = name[1:]
    while True:
        temporary = place.with_name(f".skw2c-{_host()}-{uuid.uuid4().hex}.{name}")
        try:
            handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as exc:
            cause = exc.strerror
            if isinstance(exc, FileNotFoundError):
                cause = f"the folder {str(place.parent)!r} does not exist"
            elif isinstance(exc, PermissionError):
                cause = f"the folder {str(place.parent)!r} cannot be written to"
            raise OSError(exc.errno, cause, os.fspath(path)) from exc
        _lock(handle)
        if os.path.exists(temporary):  # else another one took it for a leftover before the lock
            return temporary, handle
        os.close(handle)


def _lock(handle: int, *, wait: bool = True) -> bool | None:
    """Lock an open file; False: another one holds it; None: there are no locks here."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # some network drives have none
        return None
    return True


def _remove_if_dead(path: str, *, is_from_here: bool) -> None:
    """Remove an unfinished file that nobody is writing.

    The lock proves it where its writer ran on this machine. Of others, whose locks may not
    be seen from here, only what nobody changed for a day is removed.
    """
    handle = os.open(path, os.O_RDWR)
    try:
        is_free = _lock(handle, wait=False)
        is_old = time.time() - os.fstat(handle).st_mtime > _DEAD
        if is_free is not False and (is_old or (is_from_here and is_free)):
            os.unlink(path)
    finally:
        os.close(handle)


def _keep_mode(place: Path, handle: int) -> None:
    """Give the new file the mode of the one it replaces, and its owner where that can be."""
    try:
        former = os.stat(place)
    except FileNotFoundError:
        return
    own = os.fstat(handle)
    if hasattr(os, "fchown") and (own.st_uid, own.st_gid) != (former.st_uid, former.st_gid):
        with suppress(OSError):
            os.fchown(handle, former.st_uid, former.st_gid)
    if hasattr(os, "fchmod"):
        os.fchmod(handle, former.st_mode & 0o777)


@contextmanager
def _naming(path: str | os.PathLike, temporary: Path, handle: int) -> Iterator[None]:
    """Let errors name the file that was asked for, and the cause where they lack it."""
    try:
        yield
    except (OSError, RuntimeError) as exc:
        known = getattr(exc, "filename", None)
        if getattr(exc, "errno", None) is None:
            cause = _try_to_write(handle)
            if cause is None:
                raise
            raise OSError(cause.errno, cause.strerror, os.fspath(path)) from exc
        if known is None or os.fspath(known) == os.fspath(temporary):
            _set_name(exc, path)
        raise


def _set_name(error: Any, path: str | os.PathLike) -> None:
    """Let an error name a file; another one is raised in place of those that cannot change."""
    try:
        if error.filename2 is not None:
            raise AttributeError
        error.filename = os.fspath(path)
    except AttributeError:  # the errors of PyAV are sealed
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _try_to_write(handle: int) -> OSError | None:
    """The error that prevents writing more, which numpy and torch do not report."""
    try:
        os.lseek(handle, 0, os.SEEK_END)
        left = len(_PROBE)
        while left:
            left -= os.write(handle, _PROBE[:left])
    except OSError as exc:
        return exc
    return None
