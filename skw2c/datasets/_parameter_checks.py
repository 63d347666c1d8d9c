"""What the makers of clips take: kinds, ranges, seeds."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state

from ._event_sounds import SOUNDS

SOUND_KINDS = tuple(SOUNDS)
"""Names of the kinds of sound that can be made."""


def check_kinds(kinds) -> list[str]:
    """List the kinds that are asked for; None stands for all."""
    kinds = list(SOUND_KINDS if kinds is None else kinds)
    unknown = sorted(set(kinds) - set(SOUND_KINDS))
    if unknown or not kinds:
        raise ValueError(f"kinds={kinds!r} must be out of {', '.join(SOUND_KINDS)}")
    return kinds


def check_range(name: str, value, at_least: float = -np.inf) -> tuple[float, float]:
    """Read a number, or a range (low, high), as a range."""
    low, high = (value, value) if np.isscalar(value) else value
    if not at_least <= low <= high:
        raise ValueError(
            f"{name}={value!r} must be a number, or a range (low, high), of at least {at_least}"
        )
    return float(low), float(high)


def check_at_least(name: str, value, least, unit: str = "") -> None:
    """Refuse a number that is too small."""
    if not value >= least:
        raise ValueError(f"{name}={value!r}{unit} must be at least {least}")


def draw_seed(random_state) -> int:
    """Draw the number that, with the number of a clip, is the clip's own seed."""
    return check_random_state(random_state).randint(np.iinfo(np.int32).max)
