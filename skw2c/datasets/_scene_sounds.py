"""The background noise of the scenes: one generator for each scene."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from ..synthesis import keep_band, let_ring, make_harmonics

# Every function takes the length in samples and the rate, and returns samples of any level.
Ambience = Callable[[Generator, int, int], np.ndarray]


def park(rng: Generator, n: int, rate: int) -> np.ndarray:
    """Rustling leaves, and crickets."""
    t = np.arange(n) / rate
    leaves = _swell(rng, n, rate, 0.5) * keep_band(rng.normal(size=n), 400, 3000, rate)
    chirp = np.maximum(np.sin(2 * np.pi * rng.uniform(8, 18) * t), 0) ** 2
    crickets = chirp * keep_band(rng.normal(size=n), *_around(rng.uniform(3800, 5200), 0.06), rate)
    return _normalize(leaves) + rng.uniform(0.1, 0.8) * _normalize(crickets)


def street(rng: Generator, n: int, rate: int) -> np.ndarray:
    """Passing cars at a distance."""
    rumble = _brown_noise(rng, n)
    passing = np.zeros(n)
    for _ in range(rng.integers(1, 4)):
        middle, width = rng.uniform(0, n), rng.uniform(0.3, 1.2) * rate
        near = np.exp(-(((np.arange(n) - middle) / width) ** 2))
        tyres = keep_band(rng.normal(size=n), 300, rng.uniform(900, 1800), rate)
        passing += near * tyres
    return rumble + rng.uniform(0.5, 1.5) * _normalize(passing)


def kitchen(rng: Generator, n: int, rate: int) -> np.ndarray:
    """A humming refrigerator, and clinking dishes."""
    hum = make_harmonics(np.full(n, 2.0 * rng.choice([50, 60])), 8, rng.uniform(0.4, 1.2), rate)
    clinks = let_ring(_strokes(rng, n, rate, 1.0), rng.uniform(2800, 5000), 0.02, rate)
    air = lfilter([1.0], [1.0, -0.8], rng.normal(size=n))
    return (
        _normalize(hum)
        + rng.uniform(0.2, 0.6) * _normalize(clinks)
        + rng.uniform(0.2, 0.8) * _normalize(air)
    )


def office(rng: Generator, n: int, rate: int) -> np.ndarray:
    """A fan, and typing on a keyboard."""
    fan = keep_band(rng.normal(size=n), rng.uniform(80, 200), rng.uniform(1200, 2500), rate)
    tone = np.sin(2 * np.pi * rng.uniform(180, 420) * np.arange(n) / rate)
    keys = let_ring(_strokes(rng, n, rate, rng.uniform(2, 6)), rng.uniform(900, 2500), 0.004, rate)
    return (
        _normalize(fan)
        + rng.uniform(0.1, 0.5) * _normalize(tone)
        + rng.uniform(0.2, 0.7) * _normalize(keys)
    )


def beach(rng: Generator, n: int, rate: int) -> np.ndarray:
    """Waves that come and go."""
    surf = lfilter([1.0], [1.0, -rng.uniform(0.3, 0.8)], rng.normal(size=n))
    return surf * (0.15 + _swell(rng, n, rate, 0.2) ** 2)


def station(rng: Generator, n: int, rate: int) -> np.ndarray:
    """Babble of voices, and the rumble of a large hall."""
    babble = np.zeros(n)
    for _ in range(rng.integers(3, 6)):
        pitch = rng.uniform(90, 240) * (1 + 0.15 * np.sin(_wander(rng, n, rate, 3.0)))
        # One pulse per cycle, as from vocal cords.
        pulses = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0)
        voice = keep_band(pulses, *_around(rng.uniform(400, 1400), 0.4), rate)
        babble += _normalize(voice) * np.maximum(_wander(rng, n, rate, 9.0), 0)
    return _normalize(babble) + rng.uniform(0.4, 1.0) * _brown_noise(rng, n)


AMBIENCES: dict[str, Ambience] = {
    function.__name__: function for function in (park, street, kitchen, office, beach, station)
}


def make_ambience(rng: Generator, scene: str, n: int, rate: int) -> np.ndarray:
    """Generate samples (n,) of the noise of a scene, with unit power."""
    return _normalize(AMBIENCES[scene](rng, n, rate))


def _normalize(samples: np.ndarray) -> np.ndarray:
    """Scale samples to unit power; silence stays silent."""
    power = np.mean(samples**2)
    return samples / np.sqrt(power) if power > 0 else samples


def _around(frequency: float, share: float) -> tuple[float, float]:
    """The band (low, high) around a frequency, as a fraction of it."""
    return frequency * (1 - share), frequency * (1 + share)


def _brown_noise(rng: Generator, n: int) -> np.ndarray:
    return _normalize(lfilter([1.0], [1.0, -rng.uniform(0.9, 0.98)], rng.normal(size=n)))


def _swell(rng: Generator, n: int, rate: int, frequency: float) -> np.ndarray:
    """An envelope between 0 and 1 that rises and falls about ``frequency`` times a second."""
    t = np.arange(n) / rate
    frequency = frequency * rng.uniform(0.7, 1.5)
    return 0.5 + 0.5 * np.sin(2 * np.pi * (frequency * t + rng.uniform()))


def _wander(rng: Generator, n: int, rate: int, frequency: float) -> np.ndarray:
    """Random numbers at ``frequency`` times a second, interpolated linearly in between."""
    knots = rng.normal(size=int(n / rate * frequency) + 2)
    return np.interp(np.arange(n) * (frequency / rate), np.arange(len(knots)), knots)


def _strokes(rng: Generator, n: int, rate: int, per_second: float) -> np.ndarray:
    """Impulses of varying strength at random times."""
    strokes = np.zeros(n)
    count = rng.poisson(per_second * n / rate)
    strokes[rng.integers(0, n, count)] = rng.uniform(0.2, 1, count)
    return strokes
