"""Where the files of a library are now, if they were moved as a whole."""

from __future__ import annotations

import os
from functools import lru_cache

_KEPT = 1 << 17  # places of files that are remembered


class Relocation:
    """Find files that were indexed elsewhere, below another folder.

    Parameters
    ----------
    root : str, os.PathLike or None
        The folder in which to look for what was in a folder of its own. None: files are where
        they were.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    """

    def __init__(self, root: str | os.PathLike | None = None):
        self.root: str | None = None
        if root is not None:
            self.root = os.path.realpath(os.path.expanduser(root))
            if not os.path.isdir(self.root):
                raise NotADirectoryError(f"the folder {os.fspath(root)!r} does not exist")
        self.find = lru_cache(_KEPT)(self._find)

    def _find(self, path: str) -> str | None:
        """The file below the root with the most folders in common; None if there is none."""
        if self.root is None:
            return path
        parts = os.path.splitdrive(path)[1].replace("\\", "/").strip("/").split("/")
        for start in range(len(parts)):
            place = os.path.join(self.root, *parts[start:])
            if os.path.isfile(place) and _lies_below(self.root, place):
                return place
        return None


def _lies_below(root: str, place: str) -> bool:
    """Whether a file lies below a folder, after all links were followed."""
    return os.path.commonpath([root, os.path.realpath(place)]) == root
