"""Sound events in a clip: how many there are, and when."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from ._event_sounds import SOUNDS

_SHORT_KINDS = frozenset({"bell", "bird", "knock", "whistle", "buzzer", "pluck", "bark"})


def place_events(
    rng: Generator,
    label: str,
    n_samples: int,
    rate: int,
    change: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Place one to three events of a kind in silence, without overlap.

    Parameters
    ----------
    rng : Generator
    label : str
        The kind.
    n_samples, rate : int
        Length of the clip, and samples per second.
    change : callable or None
        What is done to each event before it is placed.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        Each event has the power 1.
    list of (onset, offset)
        In seconds.
    """
    sounds = [SOUNDS[label](rng, rate) for _ in range(_count(rng, label))]
    if change is not None:
        sounds = [change(sound) for sound in sounds]
    sounds = _fit(sounds, n_samples)
    gaps = n_samples - sum(map(len, sounds))
    cuts = np.sort(rng.integers(0, gaps + 1, len(sounds)))
    foreground, times, used = np.zeros(n_samples), [], 0
    for sound, cut in zip(sounds, cuts, strict=True):
        start, used = cut + used, used + len(sound)
        foreground[start : start + len(sound)] = sound / np.sqrt(np.mean(sound**2))
        times.append((float(start / rate), float((start + len(sound)) / rate)))
    return foreground, times


def tabulate_events(events: list[tuple[int, str, float, float]]):
    """Tabulate (row, label, onset, offset)."""
    import pandas as pd

    return pd.DataFrame(events, columns=["row", "label", "onset", "offset"])


def _count(rng: Generator, label: str) -> int:
    return int(rng.integers(1, 4)) if label in _SHORT_KINDS else 1


def _fit(sounds: list[np.ndarray], n_samples: int) -> list[np.ndarray]:
    """Keep as many events as fit, and cut the first where it alone is too long."""
    kept = [sounds[0][:n_samples]]
    for sound in sounds[1:]:
        if sum(map(len, kept)) + len(sound) <= n_samples:
            kept.append(sound)
    return kept
