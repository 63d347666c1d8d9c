"""How much is compared to find so many neighbours, as it is measured, kept and read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ._arrays import ArrayReader

MOST = 2
"""Settings that a file has room for."""
EVERY = 4_000_000
"""A gap that nothing exceeds."""
GAP = 1e-6
"""Cosine that a gap is counted in, so that it is the same number in a file and in memory."""

_MOST_READ = 16


class Setting(NamedTuple):
    """What is compared to find up to so many neighbours.

    Both gaps let the effort follow the query: one that resembles items has one list, or few,
    near the best, and few candidates; one between all items has many of both.
    """

    n_neighbours: int
    n_lists: int
    """Lists that are searched, at most."""
    n_candidates: int
    """Vectors whose true cosines are computed, at most."""
    list_gap: int = EVERY
    """How far the centre of a list may be behind the nearest one, in `GAP` of the cosine."""
    candidate_gap: int = EVERY
    """How far an estimated cosine may be behind that of the last neighbour, in `GAP`."""

    def widest(self) -> Setting:
        """As many lists and candidates for all queries."""
        return self._replace(list_gap=EVERY, candidate_gap=EVERY)


def to_array(settings: Sequence[Sequence[int]], n_rows: int | None = None) -> np.ndarray:
    """Settings as an array to save; with a number of rows, the rest of which are 0."""
    n_rows = len(settings) if n_rows is None else n_rows
    array = np.zeros((n_rows, len(Setting._fields)), np.int64)
    for row, setting in zip(array, settings, strict=False):
        row[:] = Setting(*setting)
    return array


def read_settings(reader: ArrayReader, lowest: int = 1) -> list[Setting]:
    """Read settings; without gaps, as earlier versions wrote them, too.

    Raises
    ------
    ValueError
        If they are none.
    """
    found = reader.read("<i8", 2)
    if not len(found):
        return []
    if found.shape[1] not in (3, 5) or len(found) > _MOST_READ or found.min() < lowest:
        raise ValueError(f"its settings are {found.tolist()[:3]}")
    return [Setting(*numbers) for numbers in found.tolist()]


def check_settings(settings: Sequence[Setting], n_lists: int) -> None:
    """Refuse settings for more lists than there are."""
    if max(setting.n_lists for setting in settings) > n_lists:
        raise ValueError(f"its settings are for more lists than the {n_lists} in it")
