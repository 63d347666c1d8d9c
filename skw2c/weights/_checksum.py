"""SHA-256 of files, computed once per version of a file."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache


def sha256_of(path: str | os.PathLike) -> str:
    """SHA-256 of a file, in hexadecimal; read again only where size or time changed."""
    status = os.stat(path)
    return _sha256_of_version(os.fspath(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256_of_version(path: str, size: int, mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
