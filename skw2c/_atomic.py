"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replace_atomically(path: str | os.PathLike) -> Iterator[Path]:
    """Give the name of a file to write that takes its place when the block ends well."""
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException as exc:
        temporary.unlink(missing_ok=True)
        if isinstance(exc, OSError) and exc.filename is None:
            with suppress(AttributeError):  # the errors of PyAV are sealed
                exc.filename = str(path)  # a full disk does not say where
        raise


@contextmanager
def open_atomically(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name when all is written, and only then."""
    with replace_atomically(path) as temporary, open(temporary, "xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def write_atomically(path: str | os.PathLike, content: bytes) -> None:
    """Write a file that appears whole or not at all."""
    with open_atomically(path) as file:
        file.write(content)
