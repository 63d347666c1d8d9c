"""Files that belong to a saved index without being part of it: in a folder of their own in its."""

from __future__ import annotations

import os
from pathlib import Path


def name_beside(folder: str | os.PathLike, name: str) -> Path:
    """The path of such a file, which need not exist."""
    return Path(folder, "listening", name)


def place_beside(folder: str | os.PathLike, name: str) -> Path:
    """The path of such a file that is about to be written, in a folder that exists.

    A link of that name is removed: in a folder from elsewhere, it could lead to any file.

    Raises
    ------
    OSError
        If the folder cannot be made.
    """
    path = name_beside(folder, name)
    path.parent.mkdir(exist_ok=True)
    if path.is_symlink():
        path.unlink()
    return path
