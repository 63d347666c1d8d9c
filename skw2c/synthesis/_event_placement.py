"""The number of sound events in a clip, and their onsets and offsets."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ._event_sounds import SOUNDS

_SHORT_KINDS = frozenset({"bell", "bird", "knock", "whistle", "buzzer", "pluck", "bark"})


def place_events(
    rng: Generator, label: str, n_samples: int, rate: int
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Place one to three events of a kind in silence, without overlap.

    Parameters
    ----------
    rng : Generator
    label : str
        The kind.
    n_samples, rate : int
        Length of the clip in samples, and samples per second.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The waveform. Each event has unit power.
    list of (onset, offset)
        In seconds.
    """
    sounds = [SOUNDS[label](rng, rate) for _ in range(_count(rng, label))]
    sounds = _fit(sounds, n_samples)
    gaps = n_samples - sum(map(len, sounds))
    cuts = np.sort(rng.integers(0, gaps + 1, len(sounds)))
    foreground, times, used = np.zeros(n_samples), [], 0
    for sound, cut in zip(sounds, cuts, strict=True):
        start, used = cut + used, used + len(sound)
        foreground[start : start + len(sound)] = sound / np.sqrt(np.mean(sound**2))
        times.append((float(start / rate), float((start + len(sound)) / rate)))
    return foreground, times


def _count(rng: Generator, label: str) -> int:
    return int(rng.integers(1, 4)) if label in _SHORT_KINDS else 1


def _fit(sounds: list[np.ndarray], n_samples: int) -> list[np.ndarray]:
    """Keep as many events as fit; the first is cut off if it is too long by itself."""
    kept = [sounds[0][:n_samples]]
    for sound in sounds[1:]:
        if sum(map(len, kept)) + len(sound) <= n_samples:
            kept.append(sound)
    return kept
