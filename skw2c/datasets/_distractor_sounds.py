"""Distractor sounds, which belong to none of the kinds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from ..synthesis import (
    fade,
    keep_band,
    let_ring,
    make_glide,
    make_harmonics,
    make_time,
)


def beep(rng: Generator, rate: int) -> np.ndarray:
    """A telephone key: two pure tones at once."""
    t = make_time(rng.uniform(0.08, 0.4), rate)
    low, high = rng.uniform(600, 1000), rng.uniform(1100, 1700)
    return fade(np.sin(2 * np.pi * low * t) + np.sin(2 * np.pi * high * t), rate)


def squeak(rng: Generator, rate: int) -> np.ndarray:
    """A hinge that creaks, its pitch rising and falling."""
    t = make_time(rng.uniform(0.15, 0.5), rate)
    low, high = rng.uniform(500, 1200), rng.uniform(1300, 2600)
    creak = np.concatenate([make_glide(low, high, t, rate), make_glide(high, low, t, rate)])
    gate = 0.5 + 0.5 * np.sign(
        np.sin(2 * np.pi * rng.uniform(25, 60) * np.arange(len(creak)) / rate)
    )
    return fade(creak * gate, rate)


def thump(rng: Generator, rate: int) -> np.ndarray:
    """Something soft that falls to the ground."""
    strokes = np.zeros(int(0.4 * rate))
    strokes[0] = 1
    return let_ring(strokes, rng.uniform(50, 110), rng.uniform(0.03, 0.08), rate)


def hiss(rng: Generator, rate: int) -> np.ndarray:
    """A burst of steam."""
    n = int(rng.uniform(0.1, 0.7) * rate)
    low = rng.uniform(1500, 4000)
    return fade(keep_band(rng.normal(size=n), low, low * 1.8, rate), rate, 0.04)


def murmur(rng: Generator, rate: int) -> np.ndarray:
    """A voice that speaks a few syllables."""
    syllables = []
    register = rng.uniform(110, 230)
    for _ in range(rng.integers(2, 5)):
        t = make_time(rng.uniform(0.1, 0.25), rate)
        first, last = rng.uniform(0.9, 1.15, 2)
        pitch = register * np.geomspace(first, last, len(t))
        voice = make_harmonics(pitch, 20, 0.8, rate)
        formant = rng.uniform(350, 2200)
        syllables.append(fade(keep_band(voice, formant * 0.8, formant * 1.2, rate), rate, 0.03))
    return np.concatenate(syllables)


# In this order, by which they are drawn.
_DISTRACTORS: tuple[Callable[[Generator, int], np.ndarray], ...] = (
    beep,
    squeak,
    thump,
    hiss,
    murmur,
)


def make_distractors(rng: Generator, n_samples: int, rate: int) -> np.ndarray:
    """Generate samples (n_samples,) with up to two distractors at random times.

    Their levels are 3 to 18 dB below that of an event.
    """
    samples = np.zeros(n_samples)
    for _ in range(rng.integers(0, 3)):
        sound = _DISTRACTORS[rng.integers(len(_DISTRACTORS))](rng, rate)[:n_samples]
        sound *= 10 ** (-rng.uniform(3, 18) / 20) / np.sqrt(np.mean(sound**2))
        start = rng.integers(0, n_samples - len(sound) + 1)
        samples[start : start + len(sound)] += sound
    return samples
