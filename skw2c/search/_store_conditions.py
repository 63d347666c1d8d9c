"""Where a search in a database may look: ``where`` as a condition on its rows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ._filters import check_folder, check_limits, check_where, list_wanted, refuse_duration
from ._sources import find_items
from ._stores import Condition

if TYPE_CHECKING:
    from ._stored_content import StoredContent

_LONGEST = 1e9  # seconds; databases do not compare with infinity


def make_condition(content: StoredContent, where: Mapping) -> Condition:
    """The condition that the rows of the clips meet which fit all of ``where``.

    Parameters
    ----------
    content : StoredContent
    where : mapping
        As in `AudioIndex.search`; folders cannot be relative to a root.

    Raises
    ------
    ValueError
        If a condition is unknown, has another form, or can fit no clip of the index.
    """
    check_where(where)
    folders = clips = low = high = None
    if "folder" in where:
        folders = _list_folders(content, list_wanted(where["folder"], "folder"))
    if "duration" in where:
        low, high = _find_limits(content, where["duration"])
    if "items" in where:
        clips = _list_clips(content, list_wanted(where["items"], "items"))
    return Condition(clips=clips, folders=folders, shortest=low, longest=high)


def _list_folders(content: StoredContent, wanted: list) -> list[str]:
    folders: list[str] = []
    for folder in wanted:
        places = _find_places(check_folder(folder))
        if not content.count(Condition(folders=places)):
            raise ValueError(f"where: the index has no clips in the folder {os.fspath(folder)!r}")
        folders += places
    return folders


def _find_places(folder: str) -> list[str]:
    """The names by which rows may know a folder."""
    home = os.path.expanduser(folder)
    return sorted({folder.rstrip("/") or "/", os.path.abspath(home), os.path.realpath(home)})


def _find_limits(content: StoredContent, limits) -> tuple[float, float | None]:
    low, high = check_limits(limits)
    if not content.count(Condition(shortest=0.0)):
        raise ValueError(
            "where: the durations of the clips are not known, as they were not indexed from files"
        )
    low, high = (0.0 if low is None else float(low)), (np.inf if high is None else float(high))
    low, longest = min(low, _LONGEST), (None if high >= _LONGEST else high)
    if not content.count(Condition(shortest=low, longest=longest)):
        refuse_duration(limits)
    return low, longest


def _list_clips(content: StoredContent, wanted: list) -> list[str]:
    try:
        numbers = find_items(wanted, content.items, content.sources)
    except ValueError as exc:
        raise ValueError(f"where: {str(exc).split(': no clips')[0]}") from None
    clips = content.clips
    return [clips[number].id for number in sorted(numbers)]
