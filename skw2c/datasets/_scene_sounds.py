"""What a scene sounds like while nothing happens: one function for each scene."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from ._synthesis import keep_band, let_ring, make_harmonics

# Every function takes the length in samples and the rate, and returns samples of any level.
Ambience = Callable[[Generator, int, int], np.ndarray]


def park(rng: Generator, n: int, rate: int) -> np.ndarray:
    """Leaves that rustle, and crickets."""
    t = np.arange(n) / rate
    leaves = _swell(rng, n, rate, 0.5) * keep_band(rng.normal(size=n), 400, 3000, rate)
    chirp = np.maximum(np.sin(2 * np.pi * rng.uniform(8, 18) * t), 0) ** 2
    crickets = chirp * keep_band(rng.normal(size=n), *_around(rng.uniform(3800, 5200), 0.06), rate)
    return _unit(leaves) + rng.uniform(0.1, 0.8) * _unit(crickets)


def street(rng: Generator, n: int, rate: int) -> np.ndarray:
    """Cars that pass at a distance."""
    rumble = _brown(rng, n)
    passing = np.zeros(n)
    for _ in range(rng.integers(1, 4)):
        middle, width = rng.uniform(0, n), rng.uniform(0.3, 1.2) * rate
        near = np.exp(-(((np.arange(n) - middle) / width) ** 2))
        tyres = keep_band(rng.normal(size=n), 300, rng.uniform(900, 1800), rate)
        passing += near * tyres
    return rumble + rng.uniform(0.5, 1.5) * _unit(passing)


def kitchen(rng: Generator, n: int, rate: int) -> np.ndarray:
    """A refrigerator that hums, and dishes that clink."""
    hum = make_harmonics(np.full(n, 2.0 * rng.choice([50, 60])), 8, rng.uniform(0.4, 1.2), rate)
    clinks = let_ring(_scatter(rng, n, rate, 1.0), rng.uniform(2800, 5000), 0.02, rate)
    air = lfilter([1.0], [1.0, -0.8], rng.normal(size=n))
    return _unit(hum) + rng.uniform(0.2, 0.6) * _unit(clinks) + rng.uniform(0.2, 0.8) * _unit(air)


def office(rng: Generator, n: int, rate: int) -> np.ndarray:
    """A fan, and somebody at a keyboard."""
    fan = keep_band(rng.normal(size=n), rng.uniform(80, 200), rng.uniform(1200, 2500), rate)
    tone = np.sin(2 * np.pi * rng.uniform(180, 420) * np.arange(n) / rate)
    keys = let_ring(_scatter(rng, n, rate, rng.uniform(2, 6)), rng.uniform(900, 2500), 0.004, rate)
    return _unit(fan) + rng.uniform(0.1, 0.5) * _unit(tone) + rng.uniform(0.2, 0.7) * _unit(keys)


def beach(rng: Generator, n: int, rate: int) -> np.ndarray:
    """Waves that come and go."""
    surf = lfilter([1.0], [1.0, -rng.uniform(0.3, 0.8)], rng.normal(size=n))
    return surf * (0.15 + _swell(rng, n, rate, 0.2) ** 2)


def station(rng: Generator, n: int, rate: int) -> np.ndarray:
    """Voices from everywhere, and the rumble of a large hall."""
    babble = np.zeros(n)
    for _ in range(rng.integers(3, 6)):
        pitch = rng.uniform(90, 240) * (1 + 0.15 * np.sin(_wander(rng, n, rate, 3.0)))
        # One pulse at each turn of the phase, as vocal cords give.
        pulses = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0)
        voice = keep_band(pulses, *_around(rng.uniform(400, 1400), 0.4), rate)
        babble += _unit(voice) * np.maximum(_wander(rng, n, rate, 9.0), 0)
    return _unit(babble) + rng.uniform(0.4, 1.0) * _brown(rng, n)


AMBIENCES: dict[str, Ambience] = {
    function.__name__: function for function in (park, street, kitchen, office, beach, station)
}


def make_ambience(rng: Generator, scene: str, n: int, rate: int) -> np.ndarray:
    """Samples (n,) of a scene, of unit power."""
    return _unit(AMBIENCES[scene](rng, n, rate))


def _unit(samples: np.ndarray) -> np.ndarray:
    power = np.mean(samples**2)
    return samples / np.sqrt(power) if power > 0 else samples


def _around(frequency: float, share: float) -> tuple[float, float]:
    return frequency * (1 - share), frequency * (1 + share)


def _brown(rng: Generator, n: int) -> np.ndarray:
    return _unit(lfilter([1.0], [1.0, -rng.uniform(0.9, 0.98)], rng.normal(size=n)))


def _swell(rng: Generator, n: int, rate: int, frequency: float) -> np.ndarray:
    """A level between 0 and 1 that rises and falls about ``frequency`` times a second."""
    t = np.arange(n) / rate
    frequency = frequency * rng.uniform(0.7, 1.5)
    return 0.5 + 0.5 * np.sin(2 * np.pi * (frequency * t + rng.uniform()))


def _wander(rng: Generator, n: int, rate: int, frequency: float) -> np.ndarray:
    """Numbers of deviation 1 that are drawn anew ``frequency`` times a second."""
    marks = rng.normal(size=int(n / rate * frequency) + 2)
    return np.interp(np.arange(n) * (frequency / rate), np.arange(len(marks)), marks)


def _scatter(rng: Generator, n: int, rate: int, per_second: float) -> np.ndarray:
    """Strokes of varying strength at random moments."""
    strokes = np.zeros(n)
    count = rng.poisson(per_second * n / rate)
    strokes[rng.integers(0, n, count)] = rng.uniform(0.2, 1, count)
    return strokes
