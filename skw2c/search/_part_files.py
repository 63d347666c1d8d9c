"""The files of the parts of an index: read and checked, and written beside those that are there."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from ..exceptions import SavedIndexError
from ..system._atomic import replace_atomically
from ..system._checksum import sha256_of
from ._arrays import ArrayReader, check_range, write_rows
from ._disk_neighbours import DiskNeighbours
from ._engines import choose_engine
from ._listing import damaged, open_entry, read_clip_table, read_dead
from ._neighbours import FaissNeighbours, ListNeighbours
from ._part import IndexPart, join_clips

_SUFFIXES: dict[type, str] = {FaissNeighbours: "faiss", DiskNeighbours: "codes"}
_LONGEST = 1.001  # of a number of a unit vector
_LATEST = 1e12  # seconds


def read_part(
    folder: Path, files: dict, *, verify: bool, known: IndexPart | None = None
) -> IndexPart:
    """Read and check a part; large arrays are mapped.

    Parameters
    ----------
    folder : Path
    files : dict
        What the list of the index says of it.
    verify : bool
        Whether to compare large files with their checksums, too.
    known : IndexPart or None, default=None
        A part of the same vectors that was read before, whose arrays and engines are taken.

    Raises
    ------
    SavedIndexError
        If a file is missing, truncated or another one than was saved.
    """
    unread = {} if known is None else dict(known.unread)

    def read(kind: str, dtype: str, bounds: tuple[float, float]) -> np.ndarray:
        path, buffer, verified = open_entry(folder, files[kind], verify=verify)
        if not verified:
            unread[kind] = path, files[kind], buffer
        return _read_array(path, buffer, dtype, bounds if verified else None)

    if known is None:
        vectors = read("vectors", "<f4", (-_LONGEST, _LONGEST))
        times = files["times"] and read("times", "<f8", (0.0, _LATEST))
    else:
        vectors, times = known.vectors, known.times
    clips, buffer = read_clip_table(folder, files["items"], verify=verify)
    path = folder / files["items"]["file"]
    unread.pop("items", None)
    if buffer is not None:
        unread["items"] = path, files["items"], buffer
    if clips.counts.sum() != len(vectors):
        raise damaged(path, "its items do not fit the vectors")
    if times is not None and times.shape != (len(vectors), 2):
        raise damaged(path, "its times do not fit the vectors")
    dead = read_dead(folder, files.get("dead"), len(clips))
    engines = {} if known is None else known.engines
    return IndexPart(vectors, clips, times, dead, files, unread, engines)


def _read_array(path: Path, buffer, dtype: str, bounds: tuple[float, float] | None) -> np.ndarray:
    try:
        array = ArrayReader(buffer).read(dtype, 2)
        if not array.shape[1]:
            raise ValueError(f"its array has the shape {array.shape}")
        if bounds is not None:
            check_range(array, *bounds)
    except ValueError as exc:
        raise damaged(path, str(exc)) from exc
    return array


def read_engine(folder: Path, part: IndexPart, method: str, *, verify: bool) -> bool:
    """Take what was saved to search a part with; False where that cannot be used."""
    entry = part.files.get("neighbours")
    make = choose_engine(method, len(part.vectors))
    if entry is None or not issubclass(make, ListNeighbours) or make.method in part.engines:
        return True
    if not entry["file"].endswith(f".{_SUFFIXES[make]}"):
        return True
    try:
        path, buffer, _ = open_entry(folder, entry, verify=verify)
        engine = make.read(path, buffer, part.vectors)
    except (SavedIndexError, ValueError, OSError):
        return False
    engine.saved_as = entry["file"]
    part.engines[make.method] = engine
    return True


def read_old_engine(folder: Path, entry: dict, parts: Sequence[IndexPart], method: str) -> bool:
    """As `read_engine`, of version 1 of the format, where there was one file for all parts."""
    n_vectors, start = sum(len(part.vectors) for part in parts), 0
    for part in parts:
        rows = slice(start, start + len(part.vectors))
        start = rows.stop
        make = choose_engine(method, len(part.vectors))
        if make is not FaissNeighbours:
            continue
        try:
            path, buffer, _ = open_entry(folder, entry)
            engine = make.read(path, buffer, part.vectors, rows, n_vectors)
        except (SavedIndexError, ValueError, OSError):
            return False
        part.engines[make.method] = engine
    return True


class PartWriter:
    """Write parts into the folder of an index.

    Parameters
    ----------
    folder : Path
    root : str or None
        The folder that paths are relative to.
    method : str
        How the index is searched.
    """

    def __init__(self, folder: Path, root: str | None, method: str):
        self._folder, self._root, self._method = folder, root, method
        self._written: list[Path] = []

    def write(self, parts: Sequence[IndexPart], *, compact: bool = False) -> IndexPart:
        """Write what of one part is not in the folder yet, or several parts as one.

        Parameters
        ----------
        parts : sequence of IndexPart
        compact : bool, default=False
            Whether to rewrite a part even if little of it was removed.
        """
        first = parts[0]
        is_worn = first.is_worn() or (compact and first.dead is not None)
        if len(parts) > 1 or is_worn or self._find(first, "vectors") is None:
            for part in parts:
                part.check_files()
            first = self._rewrite(parts)
        return self._complete(first)

    def undo(self) -> None:
        """Remove what was written."""
        for path in self._written:
            with suppress(OSError):
                path.unlink()

    def _rewrite(self, parts: Sequence[IndexPart]) -> IndexPart:
        """Write vectors and times of clips that were not removed, block by block."""
        first, times, files = parts[0], None, {"times": None}
        files["vectors"], vectors = self._write_rows(parts, "vectors", "<f4", first.vectors)
        if first.times is not None:
            files["times"], times = self._write_rows(parts, "times", "<f8", first.times)
        is_same = len(parts) == 1 and first.dead is None
        engines = _move(first.engines, vectors) if is_same else {}
        clips = join_clips(parts, self._root)
        return IndexPart(vectors, clips, times, None, files, {}, engines)

    def _write_rows(self, parts, name: str, dtype: str, like: np.ndarray):
        """Write one array of some parts; return its entry, and the array as it now lies there."""
        shape = sum(part.n_vectors for part in parts), like.shape[1]

        def write(path: Path) -> None:
            blocks = chain.from_iterable(part.blocks(name) for part in parts)
            write_rows(path, blocks, shape, dtype)

        entry = self._write_file(f"{name}.npy", write)
        path, buffer, _ = open_entry(self._folder, entry)
        return entry, _read_array(path, buffer, dtype, None)

    def _complete(self, part: IndexPart) -> IndexPart:
        """Write what else belongs to a part whose vectors are there."""
        files = {kind: part.files.get(kind) for kind in ("vectors", "times")}
        clips = part.clips
        files["items"] = self._find(part, "items")
        if files["items"] is None or clips.root != self._root:
            clips = clips.rebased(self._root)
            files["items"] = self._write_arrays("items.npy", clips.columns())
        files["dead"] = self._find(part, "dead")
        if part.dead is not None and files["dead"] is None:
            bits = np.packbits(part.dead, bitorder="little")
            files["dead"] = self._write_arrays("dead.npy", [bits])
        files["neighbours"] = self._write_engine(part)
        return replace(part, clips=clips, files=files)

    def _write_engine(self, part: IndexPart) -> dict | None:
        """Write what searches a part, unless it lies there or needs no file."""
        make = choose_engine(self._method, len(part.vectors))
        if not issubclass(make, ListNeighbours):
            return None
        found, engine = self._find(part, "neighbours"), part.engines.get(make.method)
        if found is not None and engine is not None and engine.saved_as == found["file"]:
            return found

        def write(path: Path) -> None:
            if make is DiskNeighbours and engine is None:  # built where it is to lie
                part.engines[make.method] = make(part.vectors, path=path)
            else:
                part.engine(self._method).save(path)

        entry = self._write_file(_SUFFIXES[make], write)
        saved = part.engine(self._method)
        saved.saved_as, saved.path = entry["file"], str(self._folder / entry["file"])
        return entry

    def _find(self, part: IndexPart, kind: str) -> dict | None:
        """The entry of a file of a part that lies in this folder already."""
        entry = part.files.get(kind)
        return entry if entry and (self._folder / entry["file"]).is_file() else None

    def _write_arrays(self, suffix: str, arrays) -> dict:
        def write(path: Path) -> None:
            with open(path, "wb") as file:
                for array in arrays:
                    np.save(file, np.ascontiguousarray(array), allow_pickle=False)

        return self._write_file(suffix, write)

    def _write_file(self, suffix: str, write: Callable[[Path], None]) -> dict:
        path = self._folder / f"{uuid.uuid4().hex}.{suffix}"
        self._written.append(path)
        with replace_atomically(path) as temporary:
            write(temporary)
        return {"file": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _move(engines: dict, vectors: np.ndarray) -> dict:
    """Engines that search the same vectors in another array from now on."""
    kept = {name: engine for name, engine in engines.items() if type(engine) in _SUFFIXES}
    for engine in kept.values():
        engine.vectors = vectors
    return kept
