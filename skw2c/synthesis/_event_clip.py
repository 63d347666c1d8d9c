"""A generated clip: events of one kind over a background."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from ._event_placement import place_events


def make_event_clip(
    rng: Generator, label: str, n_samples: int, rate: int, snr: tuple[float, float] = (0.0, 30.0)
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Mix one to three events of a kind with a background of noise and hum.

    Parameters
    ----------
    rng : Generator
        Determines the clip.
    label : str
        The kind, one of `SOUNDS`.
    n_samples, rate : int
        Length of the clip in samples, and samples per second.
    snr : (float, float), default=(0.0, 30.0)
        Range of the power of the events relative to that of the background, in dB.

    Returns
    -------
    ndarray of shape (n_samples,), float32
        The waveform, in [-1, 1].
    list of (onset, offset)
        In seconds.
    """
    foreground, times = place_events(rng, label, n_samples, rate)
    background = _make_background(rng, n_samples, rate) * 10 ** (-rng.uniform(*snr) / 20)
    mixture = foreground + background
    # A peak between -20 and -1 dB of full scale.
    peak = 10 ** (-rng.uniform(1, 20) / 20)
    return (mixture * peak / np.abs(mixture).max()).astype(np.float32), times


def _make_background(rng: Generator, n_samples: int, rate: int) -> np.ndarray:
    """Noise between white and brown, with some mains hum, of unit power."""
    noise = lfilter([1.0], [1.0, -rng.uniform(0.0, 0.98)], rng.normal(size=n_samples))
    hum = np.sin(2 * np.pi * rng.choice([50, 60]) * np.arange(n_samples) / rate)
    mixture = noise / noise.std() + rng.uniform(0, 0.5) * hum
    return mixture / np.sqrt(np.mean(mixture**2))
