"""The list of a saved index and the names of its clips, read without the vectors.

Nothing here needs more than JSON, so that a program which shows the clips of a large index can
start at once.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..exceptions import SavedIndexError
from ..system._checksum import sha256_of
from ._checks import check_items, check_list
from ._sources import Source, from_json, guess_sources

LIST = "index.json"
FORMAT = "skw2c index"
VERSION = 1


@dataclass
class Clips:
    """Clips of a saved index, or of a part of one.

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
    clips = Clips([], [], [])
    try:
        for files in listed["parts"]:
            part = read_clips_of_part(folder, files["items"])
            clips.items += part.items
            clips.counts += part.counts
            clips.sources += part.sources
    except SavedIndexError:
        if is_current(folder, listed["id"]):
            raise
        # Somebody saved meanwhile and joined files of this list: there is another list now.
        return read_clips(folder)
    return listed, clips


def read_clips_of_part(folder: Path, entry: dict) -> Clips:
    """Read the file that names the clips of one part."""
    path = checked_file(folder, entry)
    content = read_json(path)
    try:
        check_items(content)
        names = content["items"]
        known = "sources" in content
        sources = from_json(content["sources"]) if known else guess_sources(names)
    except ValueError as exc:
        raise damaged(path, str(exc)) from exc
    if len(sources) != len(names):
        raise damaged(path, "its sources are not as many as its items")
    return Clips(names, content["counts"], sources)


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
    if version != VERSION:
        raise SavedIndexError(
            f"The index in {str(folder)!r} was saved in version {version!r} of the format, and "
            f"this skw2c reads version {VERSION}: use the skw2c that saved it "
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


def checked_file(folder: str | os.PathLike, entry: dict) -> Path:
    """Path of a file of the index, whose size and checksum are those that were saved."""
    path = Path(folder) / os.path.basename(entry["file"])
    try:
        size = path.stat().st_size if path.is_file() else None
        if size is not None and size != entry["bytes"]:
            raise damaged(path, f"it has {size} bytes, and {entry['bytes']} were saved")
        if size is not None and sha256_of(path) != entry["sha256"]:
            raise damaged(path, "its content is not what was saved")
    except FileNotFoundError:
        size = None
    if size is None:
        raise damaged(path, "the file is missing")
    return path


def read_json(path: Path):
    """Read a file that is one; what is nested too deep, or too long a number, is damage too."""
    if not path.is_file():
        raise damaged(path, "it is not a file")
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as exc:
        raise damaged(path, "the file is missing") from exc
    except (OSError, ValueError, RecursionError) as exc:
        raise damaged(path, f"{type(exc).__name__}: {exc}") from exc


def damaged(path: Path, cause: str) -> SavedIndexError:
    """The error of an index that is not as it was saved."""
    return SavedIndexError(
        f"The saved index is damaged: {str(path)!r}: {cause}. Put the file back from a copy, "
        "or build the index again."
    )
