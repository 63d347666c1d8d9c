"""Checks of the parameters that the generators of data share: kinds, ranges, seeds."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state

from ..synthesis import SOUNDS

SOUND_KINDS = tuple(SOUNDS)
"""Names of the kinds of sound that can be generated."""


def check_kinds(kinds) -> list[str]:
    """Return the kinds as a list; None means all."""
    kinds = list(SOUND_KINDS if kinds is None else kinds)
    unknown = sorted(set(kinds) - set(SOUND_KINDS))
    if unknown or not kinds:
        raise ValueError(
            f"got kinds={kinds!r}, expected one or more of {', '.join(map(repr, SOUND_KINDS))}"
        )
    return kinds


def check_range(name: str, value, at_least: float = -np.inf) -> tuple[float, float]:
    """Return a number, or a range (low, high), as a range."""
    is_number = np.isscalar(value)
    low, high = (value, value) if is_number else value
    if not at_least <= low <= high:
        limit = f" of at least {at_least}" if np.isfinite(at_least) else ""
        raise ValueError(f"got {name}={value!r}, expected a number or a range (low, high){limit}")
    return float(low), float(high)


def check_at_least(name: str, value, least, unit: str = "") -> None:
    """Refuse a number that is too small."""
    if not value >= least:
        raise ValueError(f"got {name}={value!r}, expected at least {least}{unit}")


def draw_seed(random_state) -> int:
    """Draw an integer that, together with the index of a clip, is the seed of that clip."""
    return check_random_state(random_state).randint(np.iinfo(np.int32).max)
