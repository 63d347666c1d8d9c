"""Where a search may look: in folders, among clips of some duration, among some clips."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NoReturn

import numpy as np

from ..validation._intervals import is_real
from ._content import IndexContent
from ._part import IndexPart
from ._sources import find_items


def choose_vectors(content: IndexContent, where: Mapping, root: str | None) -> list[np.ndarray]:
    """For each part a mask of the vectors of the clips that fit all conditions.

    Parameters
    ----------
    content : IndexContent
    where : mapping
        As in `AudioIndex.search`.
    root : str or None
        The folder that relative names of folders may start from.

    Raises
    ------
    ValueError
        If a condition is unknown, has another form, or can fit no clip of the index.
    """
    check_where(where)
    masks = [np.ones(len(part.clips), bool) for part in content.parts]
    for name, value in where.items():
        found = _CONDITIONS[name](content, value, root)
        masks = [mask & own for mask, own in zip(masks, found, strict=True)]
    return [part.rows_of(mask) for part, mask in zip(content.parts, masks, strict=True)]


def check_where(where) -> None:
    """Refuse conditions that there are none of.

    Raises
    ------
    ValueError
        If one is unknown, or there are none.
    """
    if not isinstance(where, Mapping) or not where or not set(where) <= set(_CONDITIONS):
        raise ValueError(
            f"where={where!r} must be a dict with some of the keys "
            f"{', '.join(map(repr, _CONDITIONS))}"
        )


def list_wanted(value, condition: str) -> list:
    """One name, or several, as several.

    Raises
    ------
    ValueError
        If there are none.
    """
    single = isinstance(value, (str, os.PathLike)) or not np.iterable(value)
    names = [value] if single else list(value)
    if not names:
        raise ValueError(
            f"where: {condition}={value!r} names nothing that a clip could be among: name at least "
            "one, or leave the condition out"
        )
    return names


def check_folder(folder) -> str:
    """The name of a folder, which must be one.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if not isinstance(folder, (str, os.PathLike)) or not os.fspath(folder):
        raise ValueError(f"where: the folder {folder!r} must be the name of a folder")
    return os.fspath(folder)


def check_limits(limits) -> tuple[float | None, float | None]:
    """The shortest and the longest duration, which must be two numbers or None.

    Raises
    ------
    ValueError
        If they are something else, or the first is larger than the second.
    """
    is_pair = isinstance(limits, (tuple, list)) and len(limits) == 2
    if not is_pair or not all(limit is None or _is_length(limit) for limit in limits):
        raise ValueError(
            f"where: duration={limits!r} must be two numbers of seconds, (shortest, longest), "
            "of which one may be None"
        )
    low, high = limits
    if low is not None and high is not None and low > high:
        raise ValueError(
            f"where: duration={limits!r} begins with {low!r} and ends with {high!r} seconds, which "
            "no clip can last: the shorter one comes first, (shortest, longest)"
        )
    return low, high


def refuse_duration(limits) -> NoReturn:
    """Say that no clip is as long as wanted."""
    raise ValueError(f"where: the index has no clips with a duration in {limits!r} seconds")


def _in_folders(content: IndexContent, folders, root: str | None) -> list[np.ndarray]:
    masks = [np.zeros(len(part.clips), bool) for part in content.parts]
    for folder in list_wanted(folders, "folder"):
        found = _in_folder(content, check_folder(folder), root)
        masks = [mask | own for mask, own in zip(masks, found, strict=True)]
    return masks


def _in_folder(content: IndexContent, folder: str, root: str | None) -> list[np.ndarray]:
    """Clips whose files are in a folder, or whose names say so, as those of links do."""
    home = os.path.expanduser(folder)
    places = {os.path.realpath(place) for place in (home, os.path.join(root or home, folder))}
    starts = {folder, os.path.abspath(home)}
    masks = []
    for clips in (part.clips for part in content.parts):
        found = [clips.in_folder(place) for place in places]
        masks.append(np.any([*found, *map(clips.named_in, starts)], axis=0))
    if not _any_living(content.parts, masks):
        raise ValueError(f"where: the index has no clips in the folder {folder!r}")
    return masks


def _of_duration(content: IndexContent, limits, root: str | None) -> list[np.ndarray]:
    low, high = check_limits(limits)
    low = -np.inf if low is None else low
    high = np.inf if high is None else high
    seconds = [part.clips.seconds for part in content.parts]
    if not _any_living(content.parts, [~np.isnan(own) for own in seconds]):
        raise ValueError(
            "where: the durations of the clips are not known, as they were not indexed from "
            "files, or by an earlier version"
        )
    masks = [(own >= low) & (own <= high) for own in seconds]
    if not _any_living(content.parts, masks):
        refuse_duration(limits)
    return masks


def _among(content: IndexContent, items, root: str | None) -> list[np.ndarray]:
    try:
        numbers = find_items(list_wanted(items, "items"), content.items, content.sources)
    except ValueError as exc:
        raise ValueError(f"where: {str(exc).split(': no clips')[0]}") from None
    return content.clip_masks(numbers)


def _any_living(parts: list[IndexPart], masks: list[np.ndarray]) -> bool:
    """Whether a mask has a clip that was not removed."""
    return any(mask[part.living].any() for part, mask in zip(parts, masks, strict=True))


def _is_length(value) -> bool:
    return is_real(value) and not isinstance(value, bool) and value >= 0


_CONDITIONS = {"folder": _in_folders, "duration": _of_duration, "items": _among}
