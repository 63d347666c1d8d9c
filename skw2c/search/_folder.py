"""A saved index: a folder of files that never change, and a list of those that count.

Each save writes the new vectors into files of their own and then replaces the list,
``index.json``, in one step. Whatever ends a save early, the old list still holds.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..exceptions import SavedIndexError
from ..system._atomic import replace_atomically, write_atomically
from ..system._checksum import sha256_of
from ._arrays import check_range, read_array
from ._checks import FILES
from ._listing import (
    FORMAT,
    LIST,
    VERSION,
    checked_file,
    damaged,
    identity,
    is_current,
    read_clips_of_part,
    read_list,
    require_list,
)
from ._sources import Source, to_json

_MAPPED = 1 << 26  # bytes; larger arrays stay on disk until they are needed
_LONGEST = 1.001  # of a number of a unit vector
_LATEST = 1e12  # seconds


@dataclass
class IndexPart:
    """Vectors that were added together.

    Attributes
    ----------
    vectors : ndarray of shape (n_vectors, width), float32
        Unit vectors.
    items : list
        Names of the clips.
    counts : ndarray of shape (n_items,), int64
        Number of vectors of each clip.
    times : ndarray of shape (n_vectors, 2), float64, or None
        Start and end of each vector's frame in seconds.
    files : dict
        Where what of the part lies in the folder; empty until it is saved.
    sources : list of Source or None
        The files that the clips come from; by default none comes from a file.
    """

    vectors: np.ndarray
    items: list
    counts: np.ndarray
    times: np.ndarray | None = None
    files: dict = field(default_factory=dict)
    sources: list = field(default_factory=list)

    def __post_init__(self):
        self.sources = self.sources or [None] * len(self.items)

    def select(self, kept: np.ndarray) -> IndexPart:
        """A part, not saved, of those clips that a mask keeps."""
        rows = np.repeat(kept, self.counts)
        return IndexPart(
            self.vectors[rows],
            [item for item, keep in zip(self.items, kept, strict=True) if keep],
            self.counts[kept],
            None if self.times is None else self.times[rows],
            sources=[source for source, keep in zip(self.sources, kept, strict=True) if keep],
        )

    def set_source(self, number: int, name, source: Source | None) -> None:
        """Let a clip have another name and file; the vectors stay where they are saved."""
        self.items[number], self.sources[number] = name, source
        self.files = {kind: entry for kind, entry in self.files.items() if kind != "items"}


def read_index(folder: str | os.PathLike) -> tuple[dict, list[IndexPart]]:
    """Read the description and the parts of a saved index, and check its files.

    Raises
    ------
    SavedIndexError
        If there is no index, it is of another version, or a file is missing, truncated
        or another one than was saved.
    """
    folder = Path(folder)
    listed = require_list(folder)
    try:
        parts = [_read_part(folder, files) for files in listed["parts"]]
    except SavedIndexError:
        if is_current(folder, listed["id"]):
            raise
        # Somebody saved meanwhile and joined files of this list: there is another list now.
        return read_index(folder)
    _check_agreement(folder, listed, parts)
    return listed, parts


def _check_agreement(folder: Path, listed: dict, parts: list[IndexPart]) -> None:
    """All parts are of one width and of the mode of the index, and none is missing."""
    found = {
        "n_items": sum(len(part.items) for part in parts),
        "n_vectors": sum(len(part.vectors) for part in parts),
    }
    for name, number in found.items():
        if listed.get(name, number) != number:
            raise damaged(
                folder / LIST, f"its parts have {name}={number}, and {listed[name]!r} was saved"
            )
    framed = listed["parameters"]["mode"] == "frame"
    for part in parts:
        if part.vectors.shape[1] != parts[0].vectors.shape[1]:
            raise damaged(folder / LIST, "its parts have vectors of several widths")
        if framed != (part.times is not None):
            raise damaged(folder / LIST, "its parts are not of its mode")


def write_index(
    folder: str | os.PathLike,
    description: dict,
    parts: list[IndexPart],
    *,
    saved_id: str | None,
    write_neighbours: Callable[[Path], None] | None,
) -> str:
    """Save an index; return the identity of what was saved.

    Parameters
    ----------
    folder : str or os.PathLike
        Made where it is missing.
    description : dict
        What else the list says.
    parts : list of IndexPart
        What of them is not among their ``files`` is written, and becomes one of them.
    saved_id : str or None
        What the last save or load of this index in this folder gave; None: never saved.
    write_neighbours : callable or None
        Writes a search structure over all vectors into the file it is given.

    Raises
    ------
    SavedIndexError
        If the folder holds another index, or one that somebody changed since.
    """
    from filelock import FileLock

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        _check_unchanged(folder, saved_id)
        for part in parts:
            part.files = _write_part(folder, part)
        listed = {
            "format": FORMAT,
            "version": VERSION,
            "id": uuid.uuid4().hex,
            **description,
            "parts": [part.files for part in parts],
            "neighbours": write_neighbours and _write_file(folder, "faiss", write_neighbours),
        }
        write_atomically(folder / LIST, json.dumps(listed, indent=1).encode())
        _remove_others(folder, listed)
    return listed["id"]


def _read_part(folder: Path, files: dict) -> IndexPart:
    vectors = _read_array(folder, files["vectors"], "<f4", (-_LONGEST, _LONGEST))
    times = files["times"] and _read_array(folder, files["times"], "<f8", (0.0, _LATEST))
    clips = read_clips_of_part(folder, files["items"])
    path, counts = folder / files["items"]["file"], np.array(clips.counts, np.int64)
    if sum(clips.counts) != len(vectors):
        raise damaged(path, "its items do not fit the vectors")
    if times is not None and times.shape != (len(vectors), 2):
        raise damaged(path, "its times do not fit the vectors")
    return IndexPart(vectors, clips.items, counts, times, files, clips.sources)


def _read_array(folder: Path, entry: dict, dtype: str, bounds: tuple[float, float]) -> np.ndarray:
    path = checked_file(folder, entry)
    try:
        with open(path, "rb") as file:
            array = read_array(file, dtype, 2, mapped=entry["bytes"] > _MAPPED)
        if not array.shape[1]:
            raise ValueError(f"its array has the shape {array.shape}")
        check_range(array, *bounds)
    except (ValueError, OSError) as exc:
        raise damaged(path, str(exc)) from exc
    return array


def _write_part(folder: Path, part: IndexPart) -> dict:
    """Write what of a part is not in the folder yet; return where all of it lies."""
    items = {"items": part.items, "counts": part.counts.tolist()}
    items["sources"] = to_json(part.sources)
    write = {
        "vectors": lambda: _write_array(folder, "vectors.npy", part.vectors),
        "items": lambda: _write_json(folder, "items.json", items),
        "times": lambda: part.times is not None and _write_array(folder, "times.npy", part.times),
    }
    return {
        kind: part.files[kind] if _is_there(folder, part.files.get(kind)) else write_it() or None
        for kind, write_it in write.items()
    }


def _write_json(folder: Path, suffix: str, content: dict) -> dict:
    content = json.dumps(content).encode()
    return _write_file(folder, suffix, lambda path: path.write_bytes(content))


def _write_array(folder: Path, suffix: str, array: np.ndarray) -> dict:
    def write(path: Path) -> None:
        with open(path, "wb") as file:
            np.save(file, array, allow_pickle=False)

    return _write_file(folder, suffix, write)


def _write_file(folder: Path, suffix: str, write: Callable[[Path], None]) -> dict:
    path = folder / f"{uuid.uuid4().hex}.{suffix}"
    with replace_atomically(path) as temporary:
        write(temporary)
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _is_there(folder: Path, entry: dict | None) -> bool:
    """Whether a file lies in this folder already."""
    return bool(entry) and (folder / entry["file"]).is_file()


def _check_unchanged(folder: Path, saved_id: str | None) -> None:
    found = identity(read_list(folder))
    if found is not None and found != saved_id:
        raise SavedIndexError(
            f"The folder {str(folder)!r} holds an index that this one was not loaded from, or "
            "that was changed since: load it and add to it, or save into another folder"
        )


def _remove_others(folder: Path, listed: dict) -> None:
    """Remove what earlier saves left and nothing lists any more."""
    entries = [entry for files in listed["parts"] for entry in files.values()]
    kept = {entry["file"] for entry in [*entries, listed["neighbours"]] if entry}
    for path in folder.iterdir():
        # Before a sweep of leftovers belonged to the writer, dots and numbers preceded the name.
        name = re.sub(r"^(\.[0-9a-f]{32}\.)+", "", path.name)
        if FILES.fullmatch(name) and path.name not in kept:
            with suppress(OSError):
                path.unlink()
