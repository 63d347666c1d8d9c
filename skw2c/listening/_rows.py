"""Clips as rows of a list that the page shows."""

from __future__ import annotations

from collections.abc import Iterable

from ._library import Library
from ._sounds import Sounds

_PATIENCE = 0.1  # seconds that reading the headers of a list of files may take


def describe_rows(library: Library, sounds: Sounds, numbers: Iterable[int]) -> list[dict]:
    """Clips with their durations, as far as these are known soon enough."""
    items = library.items
    rows = [items.describe(number) for number in numbers]
    there = [row["number"] for row in rows if row["has_file"] and not row["missing"]]
    paths = {number: path for number in there if (path := items.path(number)) is not None}
    durations = sounds.durations(list(paths.values()), _PATIENCE)
    for row in rows:
        row["duration"] = durations.get(paths.get(row["number"], ""))
    return rows
