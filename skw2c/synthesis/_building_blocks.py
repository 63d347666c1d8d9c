"""Building blocks of generated sounds: tones, impulses, filters and envelopes."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, lfilter, sosfilt


def make_time(seconds: float, rate: int) -> np.ndarray:
    """The times of samples, in seconds."""
    return np.arange(int(seconds * rate)) / rate


def make_silence(rng: Generator, low: float, high: float, rate: int) -> np.ndarray:
    """Silence of a random length between ``low`` and ``high`` seconds."""
    return np.zeros(int(rng.uniform(low, high) * rate))


def make_glide(start: float, end: float, t: np.ndarray, rate: int) -> np.ndarray:
    """A tone that glides from one pitch (Hz) to another."""
    pitch = np.minimum(np.geomspace(start, end, len(t)), 0.45 * rate)
    return np.sin(2 * np.pi * np.cumsum(pitch) / rate)


def make_harmonics(pitch: np.ndarray, n: int, slope: float, rate: int) -> np.ndarray:
    """Sum n harmonics of a varying pitch (Hz); the k-th has the amplitude k ** -slope."""
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    # Harmonics above the Nyquist frequency would alias.
    audible = [k for k in range(1, n + 1) if k * pitch.max() < rate / 2]
    return sum(np.sin(k * phase) / k**slope for k in audible)


def keep_band(samples: np.ndarray, low: float, high: float, rate: int) -> np.ndarray:
    """Filter samples by a bandpass between two frequencies (Hz)."""
    # A Butterworth filter needs corner frequencies below the Nyquist frequency.
    high = min(high, 0.49 * rate)
    low = min(low, 0.9 * high)
    return sosfilt(butter(2, [low, high], "bandpass", fs=rate, output="sos"), samples)


def let_ring(strokes: np.ndarray, frequency: float, decay: float, rate: int) -> np.ndarray:
    """Excite a damped resonator (frequency in Hz, decay in seconds) with strokes."""
    pole = np.exp(-1 / (decay * rate) + 2j * np.pi * min(frequency, 0.45 * rate) / rate)
    return lfilter([1.0], [1.0, -2 * pole.real, abs(pole) ** 2], strokes)


def make_strokes(rng: Generator, n: int, period: float, jitter: float, rate: int) -> np.ndarray:
    """n impulses of varying strength, ``period`` seconds apart, with a deviation of ``jitter``."""
    strokes = np.zeros(int((n + 0.5) * period * rate))
    for k in range(n):
        at = max((k * period + rng.normal(0, 1) * jitter) * rate, 0)
        strokes[min(int(at), len(strokes) - 1)] = rng.uniform(0.6, 1)
    return strokes


def fade(samples: np.ndarray, rate: int, seconds: float = 0.01) -> np.ndarray:
    """Fade samples in and out linearly."""
    n = min(int(seconds * rate), len(samples) // 2)
    ramp = np.ones(len(samples))
    ramp[:n] = np.linspace(0, 1, n)
    ramp[len(samples) - n :] = np.linspace(1, 0, n)
    return samples * ramp
