"""The folder that the files of an index are in, which may have moved as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ._clip_table import ClipTable

if TYPE_CHECKING:
    from ._part import IndexPart

_SAMPLE = 16  # files that tell whether a folder is the one


def check_root(root: str | os.PathLike) -> str:
    """The real name of a folder that files were moved to.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    """
    found = os.path.realpath(os.path.expanduser(root))
    if not os.path.isdir(found):
        raise NotADirectoryError(f"the folder {os.fspath(root)!r} does not exist")
    return found


def common_folder(parts: Iterable[IndexPart]) -> str | None:
    """The folder that all files are in or below; None if there is none but that of all files."""
    tables = [part.clips for part in parts if part.clips.has_files()]
    sources = (source for table in tables for source in table.list_sources(range(len(table))))
    folders = {os.path.dirname(source.path) for source in sources if source is not None}
    try:
        folder = os.path.commonpath(folders) if folders else None
    except ValueError:  # on several drives
        return None
    return None if folder is None or folder == os.path.dirname(folder) else folder


def describe_root(root: str | None, folder: Path) -> dict | None:
    """How the list of an index tells its root: as it is, and seen from the folder of the index."""
    if root is None:
        return None
    try:
        relative = os.path.relpath(root, os.path.realpath(folder)).replace(os.sep, "/")
    except ValueError:  # on another drive
        relative = None
    return {"absolute": root, "relative": relative}


def choose_root(folder: Path, entry: dict | None, tables: list[ClipTable]) -> str | None:
    """The root of a saved index: where it was, or where it lies seen from the index.

    If the library and its index were moved or copied together, the latter is right; if only the
    index was, the former. Some files tell which.
    """
    if entry is None:
        return None
    absolute, relative = entry["absolute"], entry["relative"]
    if relative is None:
        return absolute
    beside = os.path.realpath(os.path.join(folder, *relative.split("/")))
    if beside == absolute:
        return absolute
    there, here = _count_files(absolute, tables), _count_files(beside, tables)
    return beside if here and here >= there else absolute


def _count_files(root: str, tables: list[ClipTable]) -> int:
    """How many of some files are in a folder."""
    return sum(os.path.exists(path) for path in islice(_some_files(root, tables), _SAMPLE))


def _some_files(root: str, tables: list[ClipTable]) -> Iterable[str]:
    """Some files of an index, spread over it, if they are in a folder."""
    for table in tables:
        numbers = np.linspace(0, len(table) - 1, min(_SAMPLE, len(table))).astype(int)
        for number in np.unique(numbers).tolist():
            path = table.relative_path(number)
            if path is not None:
                yield os.path.join(root, *path.split("/"))
