"""Files of coordinates in the folder of an index: kept there, and never trusted unchecked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..system._atomic import write_atomically
from ._beside import name_beside, place_beside

_VERSION = "skw2c map 1"
"""Changes when the same vectors are placed elsewhere than before."""

_DIGEST = hashlib.sha256().digest_size


def read_points(
    folder: str | os.PathLike, method: str, n_clips: int, keys: Mapping[str, str]
) -> tuple[np.ndarray, str] | None:
    """Read coordinates (n_clips, 2), uint16, and which of several keys they were written under.

    None if there is no such file, it is damaged, or it was written under another key.
    """
    content = _read(name_beside(folder, _name(method)), _DIGEST + 4 * n_clips)
    if content is None:
        return None
    digest, body = content[:_DIGEST], content[_DIGEST:]
    for name, key in keys.items():
        if digest == _digest(key, body):
            return np.frombuffer(body, "<u2").reshape(-1, 2).astype(np.uint16), name
    return None


def write_points(folder: str | os.PathLike, method: str, points: np.ndarray, key: str) -> None:
    """Write coordinates in place of those of the same method, if the folder can be written to."""
    body = points.astype("<u2").tobytes()
    with suppress(OSError):  # they are computed again next time
        write_atomically(place_beside(folder, _name(method)), _digest(key, body) + body)


def _name(method: str) -> str:
    return f"map-{method}.bin"


def _read(path: Path, n_bytes: int) -> bytes | None:
    """Read a file that is a regular one of this size."""
    with suppress(OSError):
        if path.is_file() and path.stat().st_size == n_bytes:
            return path.read_bytes()
    return None


def _digest(key: str, body: bytes) -> bytes:
    return hashlib.sha256(f"{_VERSION} {key}\0".encode() + body).digest()
