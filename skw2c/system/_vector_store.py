"""Vectors of clips kept on disk, by content and configuration."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import struct
from pathlib import Path

import joblib
import numpy as np

from ._atomic import remove_leftovers, write_atomically
from ._warning import warn_caller

# Raise it when the same clip, weights and configuration give other vectors than before.
FORMAT = 4

_FOLDER = "skw2c-vectors"
_MAGIC = b"skw2c vectors 1\n"
_SHAPE = struct.Struct("<QQ")
_CHECKSUM = 32  # bytes, at the end
# To open a pipe would wait for ever; where there are none, files are not bytes by themselves.
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class VectorStore:
    """Keep the vectors of each clip in a file of their own, with a checksum.

    A clip is known by the checksum of its content, so a renamed file is found again and
    a changed one is not. The files are plain numbers: reading them runs nothing. What does not
    fit its checksum is taken for unknown, and a warning says so.

    Parameters
    ----------
    memory : None, str, os.PathLike or joblib.Memory
        The folder, or what has one. None keeps nothing.
    configuration : tuple
        All else that the vectors depend on.

    Raises
    ------
    OSError
        If the folder cannot be made.
    """

    def __init__(self, memory, configuration: tuple):
        location = memory.location if isinstance(memory, joblib.Memory) else memory
        self._folder = None if location is None else _make_folder(location)
        self._configuration = repr((FORMAT, *configuration)).encode()
        self._swept: set[Path] = set()
        self._said: set[str] = set()

    def key(self, clip) -> str | None:
        """What the clip is found by; None where nothing is kept."""
        if self._folder is None:
            return None
        known_by = hashlib.blake2b(clip.digest().encode(), digest_size=20)
        known_by.update(self._configuration)
        return known_by.hexdigest()

    def get(self, key: str | None) -> np.ndarray | None:
        """The vectors of the clip, or None if it is not known."""
        if key is None or self._folder is None:
            return None
        path = _path(self._folder, key)
        try:
            content = _read(path)
        except FileNotFoundError:
            return None
        except OSError as exc:
            self._say("read", f"{path!r} cannot be read ({exc.strerror})")
            return None
        vectors = _unpack(content, key)
        if vectors is None:
            self._say("damaged", f"{path!r} is not what was written: it is damaged")
        return vectors

    def put(self, key: str | None, vectors: np.ndarray) -> None:
        """Keep the vectors (n_frames, width), float32, of the clip."""
        if key is None or self._folder is None:
            return
        path = Path(_path(self._folder, key))
        try:
            if path.parent not in self._swept:
                path.parent.mkdir(parents=True, exist_ok=True)
                remove_leftovers(path.parent)
                self._swept.add(path.parent)
            # Not durable: what a power cut leaves half written does not fit its checksum.
            write_atomically(path, _pack(vectors, key), durable=False)
        except OSError as exc:
            self._say("write", f"{str(path)!r} cannot be written ({exc.strerror})")

    def _say(self, kind: str, what: str) -> None:
        """Warn, once for all clips; results are right all the same."""
        if kind not in self._said:
            self._said.add(kind)
            warn_caller(
                f"{what}. The vectors of this clip, and of others like it in the folder of "
                "memory=, are computed and not taken from it."
            )


def _make_folder(location: str | os.PathLike) -> str:
    location = os.path.expanduser(location)
    if os.path.exists(location) and not os.path.isdir(location):
        cause = "memory= needs a folder, and this is a file"
        raise NotADirectoryError(errno.ENOTDIR, cause, location)
    folder = Path(location) / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def _path(folder: str, key: str) -> str:
    # Few files in each folder, for file systems that slow down with their number.
    return os.path.join(folder, key[:2], f"{key}.vectors")


def _read(path: str) -> bytes:
    """Read a small file in as few calls as there can be, since there may be 100,000."""
    descriptor = os.open(path, _READING)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a file", path)
        parts = []
        while part := os.read(descriptor, status.st_size + 1):
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
    finally:
        os.close(descriptor)


def _pack(vectors: np.ndarray, key: str) -> bytes:
    content = _MAGIC + _SHAPE.pack(*vectors.shape) + vectors.astype("<f4").tobytes()
    return content + _checksum(content, key)


def _unpack(content: bytes, key: str) -> np.ndarray | None:
    """The vectors in a file; None if it was damaged, or written for another clip."""
    body, checksum = memoryview(content)[:-_CHECKSUM], content[-_CHECKSUM:]
    start = len(_MAGIC) + _SHAPE.size
    if len(body) < start or body[: len(_MAGIC)] != _MAGIC or _checksum(body, key) != checksum:
        return None
    shape = _SHAPE.unpack_from(body, len(_MAGIC))
    if shape[0] * shape[1] * 4 != len(body) - start:
        return None
    return np.frombuffer(body, "<f4", offset=start).reshape(shape).astype(np.float32)


def _checksum(content: bytes | memoryview, key: str) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM, key=key.encode()).digest()
