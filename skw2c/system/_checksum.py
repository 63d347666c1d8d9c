"""Checksums of files."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from io import RawIOBase

from ._regular_file import refuse_device

_BLOCK = 1 << 18


def sha256_of(path: str | os.PathLike) -> str:
    """Compute the SHA-256 of a file, in hexadecimal.

    A file is read again only if its size or time of modification changed.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> from skw2c.weights import fetch_weights, sha256_of
    >>> weights = fetch_weights("mini")
    >>> sha256_of(weights.path) == weights.sha256
    True
    """
    refuse_device(path, OSError)
    status = os.stat(path)
    return _sha256_of_version(os.fspath(path), status.st_size, status.st_mtime_ns)


def sha256_of_open(file: RawIOBase) -> str:
    """Compute the SHA-256 of what is left to read of a file that is open without a buffer.

    For small files, of which there may be 100,000, this takes half as long as `file_digest`.
    """
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def git_blob_of(path: str | os.PathLike) -> str:
    """The name that git gives a file by its content, in hexadecimal."""
    refuse_device(path, OSError)
    with open(path, "rb") as file:
        content = file.read()
    # A git object is known by SHA-1, which here tells files apart and guards no secret.
    head = f"blob {len(content)}\0".encode()
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()


@lru_cache(maxsize=64)
def _sha256_of_version(path: str, size: int, mtime_ns: int) -> str:
    with open(path, "rb", buffering=0) as file:
        return sha256_of_open(file)
