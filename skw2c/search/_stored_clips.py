"""Clips as the rows of a vector database tell of them."""

from __future__ import annotations

import json
import math
import os
import uuid
from typing import NamedTuple

import numpy as np

from ..exceptions import SavedIndexError
from ._sources import Source

_NAMES = uuid.UUID("5b8f1f5e-1b7c-4d53-9f0e-6d2d5a0c7a11")  # what the ids of files are made from


class StoredClip(NamedTuple):
    """What is known of a clip without its vectors.

    Attributes
    ----------
    id : str
        That of a file follows from its path, so that two programs which add it write one clip.
    position : int
        Its place among all clips.
    name : str, int or float
    source : Source or None
        The file that it comes from.
    windows : int
        Number of its vectors.
    seconds : float
        Its duration; NaN where it is not known.
    """

    id: str
    position: int
    name: str | int | float
    source: Source | None
    windows: int
    seconds: float

    @classmethod
    def new(cls, position: int, name, source: Source | None, windows: int, seconds: float):
        """A clip that is not in the database."""
        return cls(make_clip_id(name, source), position, name, source, windows, seconds)

    def renamed(self, name, source: Source):
        """The clip by another name, or from a file that moved."""
        return self._replace(id=make_clip_id(name, source), name=name, source=source)

    def to_rows(self, times: np.ndarray | None, write: str) -> list[dict]:
        """The rows of its vectors, whose windows begin and end at ``times`` (n_windows, 2)."""
        spans = [(None, None)] * self.windows if times is None else times.tolist()
        own = self._to_row(write)
        return [
            own | {"id": make_row_id(self.id, window), "window": window, "start": start, "end": end}
            for window, (start, end) in enumerate(spans)
        ]

    def _to_row(self, write: str) -> dict:
        is_number = not isinstance(self.name, str)
        source = self.source
        size, modified, changed = (source and source.stamp) or (None, None, None)
        return {
            "clip": self.id,
            "windows": self.windows,
            "position": self.position,
            "write": write,
            "item": json.dumps(self.name) if is_number else self.name,
            "is_number": is_number,
            "path": source and source.path,
            "is_named": source is not None and source.named,
            "digest": source and source.digest,
            "size": size,
            "modified": modified,
            "changed": changed,
            "seconds": None if math.isnan(self.seconds) else self.seconds,
            "folders": list_folders(self.name, source),
        }

    @classmethod
    def of_row(cls, row: dict) -> StoredClip:
        """The clip that a row is of.

        Raises
        ------
        ValueError
            If the row is not one of an index.
        """
        try:
            return cls(
                str(row["clip"]),
                int(row["position"]),
                read_name(row),
                _read_source(row),
                int(row["windows"]),
                math.nan if row["seconds"] is None else float(row["seconds"]),
            )
        except (KeyError, TypeError, ValueError) as exc:
            raise ValueError(f"the row {row.get('id')!r} is not one of an index ({exc})") from exc


def make_clip_id(name, source: Source | None) -> str:
    """What tells a clip from all others: its file, and its name if that was given."""
    if source is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(_NAMES, json.dumps([source.path, name if source.named else None])))


def make_row_id(clip: str, window: int) -> str:
    """The id of a vector."""
    return str(uuid.uuid5(_NAMES, f"{clip} {window}"))


def read_name(row: dict):
    """What the clip of a row is called."""
    name = row["item"]
    if not isinstance(name, str):
        raise ValueError(f"its item is {name!r}")
    name = json.loads(name) if row["is_number"] else name
    if not isinstance(name, (str, int, float)):
        raise ValueError(f"its item is {name!r}")
    return name


def _read_source(row: dict) -> Source | None:
    path, digest = row["path"], row["digest"]
    if path is None:
        return None
    if not isinstance(path, str) or "\0" in path or not isinstance(digest, (str, type(None))):
        raise ValueError(f"its path is {path!r} and its digest {digest!r}")
    size, modified, changed = row["size"], row["modified"], row["changed"]
    known = None not in (size, modified, changed)
    stamp = (int(size), int(modified), int(changed)) if known else None
    return Source(path, stamp, digest, bool(row["is_named"]))


def list_folders(name, source: Source | None) -> list[str]:
    """All folders that a file is in or below, also those that its own name begins with."""
    folders: dict[str, None] = {}
    if source is not None:
        folder = os.path.dirname(source.path)
        while folder not in folders:
            folders[folder] = None
            folder = os.path.dirname(folder)
    if isinstance(name, str) and (source is None or name != source.path):
        folders |= {name[:at] or "/": None for at, letter in enumerate(name) if letter == "/"}
    return list(folders)


def check_texts(clips: list[StoredClip], store) -> None:
    """Refuse names that are not valid text, as those of files may be: databases cannot keep them.

    Raises
    ------
    SavedIndexError
        If there is one.
    """
    for clip in clips:
        for text in (clip.name, clip.source and clip.source.path):
            if isinstance(text, str) and not _is_text(text):
                raise SavedIndexError(
                    f"{store!r} cannot keep the name {text!r}, which is not text in UTF-8: rename "
                    "the file, or keep the index in a folder (store=None)"
                )


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
