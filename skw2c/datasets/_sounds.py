"""One function for each kind of sound: a random event of that kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, lfilter, sosfilt

# Every function draws pitch, length and character, and returns samples of any level.
Sound = Callable[[Generator, int], np.ndarray]


def bell(rng: Generator, rate: int) -> np.ndarray:
    """A struck bell: inharmonic partials that die away, the high ones first."""
    t = _time(rng.uniform(1.0, 2.0), rate)
    ratios = np.array([0.56, 0.92, 1.19, 1.71, 2.0, 2.74, 3.0, 3.76]) * rng.normal(1, 0.01, 8)
    decays = rng.uniform(0.8, 1.3) / np.sqrt(ratios)
    partials = np.sin(2 * np.pi * rng.uniform(300, 900) * ratios[:, None] * t)
    return (rng.uniform(0.3, 1, (8, 1)) * np.exp(-t / decays[:, None] * 3) * partials).sum(0)


def bird(rng: Generator, rate: int) -> np.ndarray:
    """A bird's phrase: a few quick whistles that rise or fall."""
    low = rng.uniform(2000, 3500)
    syllables = []
    for _ in range(rng.integers(3, 8)):
        t = _time(rng.uniform(0.05, 0.15), rate)
        start, end = low + rng.uniform(0, 2500, 2)
        syllables += [_fade(_glide(start, end, t, rate), rate), _silence(rng, 0.02, 0.08, rate)]
    return np.concatenate(syllables)


def siren(rng: Generator, rate: int) -> np.ndarray:
    """A wailing siren: harmonics whose pitch swings up and down."""
    t = _time(rng.uniform(2.0, 3.5), rate)
    swing = np.sin(2 * np.pi * rng.uniform(0.3, 1.2) * t + rng.uniform(0, 6.28))
    return _harmonics(rng.uniform(600, 900) * 2 ** (rng.uniform(0.3, 0.7) * swing), 5, 1.2, rate)


def engine(rng: Generator, rate: int) -> np.ndarray:
    """A running motor: many low harmonics that tremble, with some noise."""
    t = _time(rng.uniform(2.0, 4.0), rate)
    pitch = rng.uniform(25, 90) * (1 + 0.05 * np.sin(2 * np.pi * rng.uniform(0.2, 1) * t))
    sound = _harmonics(pitch, 30, 0.7, rate)
    beat = 1 + 0.5 * np.sin(2 * np.pi * rng.uniform(6, 14) * t)
    noise = _band(rng.normal(size=len(t)), 80, 1500, rate)
    return _fade(beat * sound + 0.3 * noise, rate, 0.1)


def rain(rng: Generator, rate: int) -> np.ndarray:
    """Rain: high hiss and drops at random moments."""
    n = len(_time(rng.uniform(2.5, 4.5), rate))
    drops = (rng.random(n) < rng.uniform(20, 120) / rate) * rng.exponential(4, n)
    hiss = _band(rng.normal(size=n), rng.uniform(800, 2000), rate * 0.45, rate)
    return _fade(hiss + _ring(drops, rng.uniform(1500, 4000), 0.0006, rate), rate, 0.2)


def knock(rng: Generator, rate: int) -> np.ndarray:
    """Knocks on wood: a few short, low, dull strokes."""
    period, n_strokes = rng.uniform(0.12, 0.3), rng.integers(2, 6)
    strokes = _strokes(rng, n_strokes, period, 0.1 * period, rate)
    body = _ring(strokes, rng.uniform(120, 350), rng.uniform(0.015, 0.04), rate)
    return body + 0.5 * _ring(strokes, rng.uniform(500, 900), 0.01, rate)


def tick(rng: Generator, rate: int) -> np.ndarray:
    """A clock: sharp clicks as regular as can be, every other one brighter."""
    period = rng.uniform(0.2, 0.55)
    clicks = _strokes(rng, int(rng.uniform(1.5, 3) / period) + 2, period, 0.0, rate)
    odd = clicks.copy()
    odd[: int(period * rate)] = 0
    bright = _ring(clicks, rng.uniform(2500, 5500), 0.003, rate)
    return bright + _ring(odd, rng.uniform(1200, 2400), 0.004, rate)


def whistle(rng: Generator, rate: int) -> np.ndarray:
    """Somebody whistles: one tone that slides and trembles, with some breath."""
    t = _time(rng.uniform(0.6, 1.8), rate)
    vibrato = 1 + 0.015 * np.sin(2 * np.pi * rng.uniform(4, 7) * t)
    tone = _harmonics(np.geomspace(*rng.uniform(900, 2200, 2), len(t)) * vibrato, 2, 3, rate)
    return _fade(tone + 0.05 * _band(rng.normal(size=len(t)), 1000, 4000, rate), rate, 0.05)


def buzzer(rng: Generator, rate: int) -> np.ndarray:
    """An electric buzzer: a harsh square wave, switched on and off."""
    t = _time(rng.uniform(0.6, 1.6), rate)
    wave = np.sign(np.sin(2 * np.pi * rng.uniform(110, 320) * t) + rng.uniform(-0.3, 0.3))
    gate = (t * rng.uniform(1.5, 5)) % 1 < rng.uniform(0.5, 0.8)
    return _band(wave * gate, 100, 6000, rate)


def wind(rng: Generator, rate: int) -> np.ndarray:
    """Wind: low noise that swells, with a howl in it."""
    t = _time(rng.uniform(2.5, 4.5), rate)
    noise = rng.normal(size=len(t))
    howl = _band(noise, *(rng.uniform(250, 600) * np.array([0.9, 1.15])), rate)
    gust = 1 + 0.8 * np.sin(2 * np.pi * rng.uniform(0.15, 0.6) * t + rng.uniform(0, 6.28))
    rumble = _band(noise, 30, rng.uniform(300, 700), rate)
    return _fade(gust * (rumble + rng.uniform(0.5, 2) * howl), rate, 0.2)


def pluck(rng: Generator, rate: int) -> np.ndarray:
    """Plucked strings: noise bursts in a loop that loses its high parts (Karplus, Strong)."""
    n = len(_time(rng.uniform(1.0, 2.0), rate))
    sound = np.zeros(n)
    for _ in range(rng.integers(1, 4)):
        period = int(rate / rng.uniform(110, 500))
        start = rng.integers(0, n // 2)
        burst = np.zeros(n - start)
        burst[:period] = rng.uniform(-1, 1, period)
        loop = np.zeros(period + 2)
        loop[0], loop[period], loop[period + 1] = 1, -0.498, -0.498
        sound[start:] += lfilter([1.0], loop, burst)
    return sound


def bark(rng: Generator, rate: int) -> np.ndarray:
    """A barking dog: short hoarse cries whose pitch falls."""
    cries = []
    pitch, throat = rng.uniform(250, 550), rng.uniform(700, 1300)
    for _ in range(rng.integers(1, 5)):
        t = _time(rng.uniform(0.1, 0.22), rate)
        falling = pitch * np.geomspace(rng.uniform(1.1, 1.4), rng.uniform(0.6, 0.8), len(t))
        voice = _harmonics(falling, 12, 0.5, rate) + 0.8 * rng.normal(size=len(t))
        cries += [_fade(_band(voice, throat * 0.5, throat * 2, rate), rate, 0.03)]
        cries += [_silence(rng, 0.12, 0.35, rate)]
    return np.concatenate(cries)


SOUNDS: dict[str, Sound] = {
    function.__name__: function
    for function in (
        bell, bird, siren, engine, rain, knock, tick, whistle, buzzer, wind, pluck, bark,
    )
}  # fmt: skip


def _time(seconds: float, rate: int) -> np.ndarray:
    return np.arange(int(seconds * rate)) / rate


def _silence(rng: Generator, low: float, high: float, rate: int) -> np.ndarray:
    return np.zeros(int(rng.uniform(low, high) * rate))


def _glide(start: float, end: float, t: np.ndarray, rate: int) -> np.ndarray:
    pitch = np.minimum(np.geomspace(start, end, len(t)), 0.45 * rate)
    return np.sin(2 * np.pi * np.cumsum(pitch) / rate)


def _harmonics(pitch: np.ndarray, n: int, slope: float, rate: int) -> np.ndarray:
    """Sum n harmonics of a changing pitch (Hz); the k-th has the level k ** -slope."""
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    audible = [k for k in range(1, n + 1) if k * pitch.max() < rate / 2]
    return sum(np.sin(k * phase) / k**slope for k in audible)


def _band(samples: np.ndarray, low: float, high: float, rate: int) -> np.ndarray:
    high = min(high, 0.49 * rate)
    return sosfilt(butter(2, [low, high], "bandpass", fs=rate, output="sos"), samples)


def _ring(strokes: np.ndarray, frequency: float, decay: float, rate: int) -> np.ndarray:
    """Let a damped resonator (Hz, seconds) ring at each stroke."""
    pole = np.exp(-1 / (decay * rate) + 2j * np.pi * min(frequency, 0.45 * rate) / rate)
    return lfilter([1.0], [1.0, -2 * pole.real, abs(pole) ** 2], strokes)


def _strokes(rng: Generator, n: int, period: float, jitter: float, rate: int) -> np.ndarray:
    """n strokes of varying strength every ``period`` seconds, give or take ``jitter``."""
    strokes = np.zeros(int((n + 0.5) * period * rate))
    for k in range(n):
        at = max((k * period + rng.normal(0, 1) * jitter) * rate, 0)
        strokes[min(int(at), len(strokes) - 1)] = rng.uniform(0.6, 1)
    return strokes


def _fade(samples: np.ndarray, rate: int, seconds: float = 0.01) -> np.ndarray:
    n = min(int(seconds * rate), len(samples) // 2)
    ramp = np.ones(len(samples))
    ramp[:n] = np.linspace(0, 1, n)
    ramp[len(samples) - n :] = np.linspace(1, 0, n)
    return samples * ramp
