"""Folders of clips, told by what comes after the folder that all of them share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence


def split_folder(name) -> tuple[str, ...]:
    """The folders that the name of a clip goes through; none where it is not a path."""
    folder = os.path.dirname(name) if isinstance(name, str) else ""
    return tuple(folder.replace(os.sep, "/").split("/")) if folder else ()


def count_shared(folders: Iterable[tuple[str, ...]]) -> int:
    """How many levels all folders have in common."""
    shared = 0
    for level in zip(*folders, strict=False):
        if len(set(level)) > 1:
            break
        shared += 1
    return shared


def shorten_names(items: Sequence) -> tuple[list[str], list[str]]:
    """Folders of clips below the one that all share, and names without folders.

    So a map that is passed on does not tell where on a disk its sounds lie.
    """
    folders = [split_folder(item) for item in items]
    shared = count_shared(set(folders))
    names = [str(item) for item in items]
    bases = [name.replace(os.sep, "/").rpartition("/")[2] or name for name in names]
    return ["/".join(folder[shared:]) for folder in folders], bases
