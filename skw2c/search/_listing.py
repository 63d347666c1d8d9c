"""The list of a saved index and the names of its clips, read without the vectors.

Neither torch nor scikit-learn is needed, so that a program which shows the clips of a large index
can start at once.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..exceptions import SavedIndexError
from ._arrays import MAPPED, ArrayReader, open_buffer
from ._checks import check_items, check_list
from ._clip_table import ClipTable
from ._roots import choose_root
from ._sources import Source, from_json, guess_sources

LIST = "index.json"
FORMAT = "skw2c index"
VERSION = 2
"""Of the format. Version 1 named the clips in JSON, and had one search structure for all parts."""


@dataclass
class Clips:
    """Clips of a saved index, but for those that were removed.

    Attributes
    ----------
    items : list
        Their names.
    counts : list of int
        Number of vectors of each clip.
    sources : list of Source or None
        The files that they come from.
    """

    items: list
    counts: list[int]
    sources: list[Source | None]

    @classmethod
    def of(cls, parts) -> Clips:
        """The clips of pairs of tables and the numbers of those that were not removed."""
        clips = cls([], [], [])
        for table, living in parts:
            clips.items += table.list_names(living)
            clips.counts += table.counts[living].tolist()
            clips.sources += table.list_sources(living)
        return clips


def read_clips(folder: str | os.PathLike) -> tuple[dict, Clips]:
    """Read the list of a saved index and the names of all its clips.

    Raises
    ------
    SavedIndexError
        If there is no index, it is of another version, or a file that is read is missing,
        truncated or another one than was saved.
    """
    folder = Path(folder)
    listed = require_list(folder)
    try:
        tables = [read_clip_table(folder, files["items"])[0] for files in listed["parts"]]
        dead = [
            read_dead(folder, files.get("dead"), len(table))
            for files, table in zip(listed["parts"], tables, strict=True)
        ]
    except SavedIndexError:
        if is_current(folder, listed["id"]):
            raise
        # Somebody saved meanwhile and joined files of this list: there is another list now.
        return read_clips(folder)
    set_root(folder, listed, tables)
    return listed, Clips.of(zip(tables, map(find_living, tables, dead), strict=True))


def find_living(table: ClipTable, dead: np.ndarray | None) -> np.ndarray:
    """Numbers of the clips that were not removed, of which a mask may tell."""
    return np.arange(len(table)) if dead is None else np.flatnonzero(~dead)


def set_root(
    folder: Path, listed: dict, tables: list[ClipTable], root: str | None = None
) -> str | None:
    """Tell the tables of clips where their files are; return it.

    Parameters
    ----------
    folder : Path
        Of the index.
    listed : dict
    tables : list of ClipTable
    root : str or None, default=None
        The folder where the files are now. None: the one that was saved.
    """
    root = choose_root(folder, listed.get("root"), tables) if root is None else root
    for table in tables:
        table.root = root
    return root


def read_clip_table(folder: Path, entry: dict, *, verify: bool = False):
    """Read the file that names the clips of one part; also its buffer if it was not verified."""
    path, buffer, verified = open_entry(folder, entry, verify=verify)
    try:
        if path.suffix == ".json":
            table = _read_json_table(buffer)
        else:
            table = ClipTable.read(ArrayReader(buffer))
            if verified:
                table.check()
    except (ValueError, OverflowError) as exc:
        raise damaged(path, str(exc)) from exc
    return table, None if verified else buffer


def _read_json_table(buffer) -> ClipTable:
    """Clips as version 1 of the format names them."""
    content = parse_json(bytes(buffer))
    check_items(content)
    names = content["items"]
    known = "sources" in content
    sources = from_json(content["sources"]) if known else guess_sources(names)
    if len(sources) != len(names):
        raise ValueError("its sources are not as many as its items")
    return ClipTable.from_lists(names, sources, content["counts"])


def read_dead(folder: Path, entry: dict | None, n_clips: int) -> np.ndarray | None:
    """Read which clips of a part were removed: bits, eight to a byte; None: none."""
    if entry is None:
        return None
    path, buffer, _ = open_entry(folder, entry, verify=True)
    try:
        bits = ArrayReader(buffer).read("|u1", 1)
        if len(bits) != -(-n_clips // 8):
            raise ValueError("its bits are not as many as the clips")
    except ValueError as exc:
        raise damaged(path, str(exc)) from exc
    return np.unpackbits(bits, bitorder="little").view(bool)[:n_clips]


def require_list(folder: Path) -> dict:
    """Read the list of an index, where there must be one."""
    listed = read_list(folder)
    if listed is None:
        raise SavedIndexError(f"there is no saved index in {str(folder)!r}: {LIST} is missing")
    return listed


def read_list(folder: Path) -> dict | None:
    """Read and check the list of an index; None where there is none."""
    path = folder / LIST
    if not path.exists():
        return None
    listed = read_json(path)
    if not isinstance(listed, dict) or not {"format", "version"} <= set(listed):
        raise damaged(path, "it is not a list of a saved index")
    kind, version = listed["format"], listed["version"]
    if kind != FORMAT:
        raise SavedIndexError(f"{str(path)!r} is not the list of a saved index, but of {kind!r}")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise SavedIndexError(
            f"The index in {str(folder)!r} was saved in version {version!r} of the format, and "
            f"this skw2c reads versions 1 to {VERSION}: use the skw2c that saved it "
            f"({listed.get('created_by')}), or build the index again"
        )
    try:
        check_list(listed)
    except ValueError as exc:
        raise damaged(path, str(exc)) from exc
    return listed


def is_current(folder: str | os.PathLike, saved_id: str | None) -> bool:
    """Whether nobody saved into the folder since."""
    return identity(read_list(Path(folder))) == saved_id


def identity(listed: dict | None) -> str | None:
    """What tells this save of an index from all others."""
    return None if listed is None else listed.get("id")


def open_entry(folder: Path, entry: dict, *, verify: bool = False) -> tuple[Path, object, bool]:
    """Open a file of the index, whose size must be what was saved.

    Small files are compared with their checksums, as they are read anyway; others only if asked.

    Returns
    -------
    path : Path
    buffer : bytes or mmap
        Its content, as `open_buffer` gives it.
    verified : bool
        Whether the checksum is right; else nobody looked.
    """
    path = Path(folder) / os.path.basename(entry["file"])
    try:
        buffer = open_buffer(path) if path.is_file() else None
    except FileNotFoundError:
        buffer = None
    except OSError as exc:
        raise damaged(path, f"{type(exc).__name__}: {exc}") from exc
    if buffer is None:
        raise damaged(path, "the file is missing")
    if len(buffer) != entry["bytes"]:
        raise damaged(path, f"it has {len(buffer)} bytes, and {entry['bytes']} were saved")
    verified = verify or len(buffer) <= MAPPED
    if verified:
        check_content(path, entry, buffer)
    return path, buffer, verified


def check_content(path: Path, entry: dict, buffer) -> None:
    """Compare the content of a file with its checksum.

    Raises
    ------
    SavedIndexError
        If it is another one.
    """
    if hashlib.sha256(buffer).hexdigest() != entry["sha256"]:
        raise damaged(path, "its content is not what was saved")


def read_json(path: Path):
    """Read a file that is one; what is nested too deep, or too long a number, is damage too."""
    if not path.is_file():
        raise damaged(path, "it is not a file")
    try:
        return parse_json(path.read_bytes())
    except FileNotFoundError as exc:
        raise damaged(path, "the file is missing") from exc
    except (OSError, ValueError) as exc:
        raise damaged(path, f"{type(exc).__name__}: {exc}") from exc


def parse_json(content: bytes):
    """Read JSON; any that cannot be is a `ValueError`."""
    try:
        return json.loads(content.decode("utf-8"))
    except RecursionError as exc:
        raise ValueError("it is nested too deep") from exc


def damaged(path: Path, cause: str) -> SavedIndexError:
    """The error of an index that is not as it was saved."""
    return SavedIndexError(
        f"The saved index is damaged: {str(path)!r}: {cause}. Put the file back from a copy, "
        "or build the index again."
    )
