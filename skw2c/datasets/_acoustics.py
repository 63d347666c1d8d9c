"""Rooms that sounds echo in, and microphones that colour them, drawn at random."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import fft
from scipy.signal import fftconvolve


def draw_room(rng: Generator, rate: int) -> np.ndarray:
    """Draw an impulse response: the direct sound, and a tail of noise that dies away.

    The tail falls by 60 dB within 0.1 to 1 second, and is 3 to 25 dB below the direct
    sound.
    """
    reverberation = rng.uniform(0.1, 1.0)
    n = int(reverberation * rate)
    tail = rng.normal(size=n) * 10 ** (-3 * np.arange(n) / n)
    level = 10 ** (-rng.uniform(3, 25) / 20)
    response = level * tail / np.sqrt(np.sum(tail**2))
    response[0] = 1.0
    return response


def put_in_room(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Let samples (n,) echo; what would sound after their end is cut."""
    samples, response = samples.astype(np.float32), response.astype(np.float32)
    return fftconvolve(samples, response)[: len(samples)]


def record(rng: Generator, samples: np.ndarray, rate: int) -> np.ndarray:
    """Colour samples (n,) as a random microphone does that is never quite flat.

    Its gain wanders by several dB from octave to octave, and it loses the lowest and the
    highest frequencies.
    """
    octaves = np.log2(np.array([31.25, 62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000]))
    gains = rng.normal(0, rng.uniform(1, 4), len(octaves))
    low, high = rng.uniform(30, 250), rng.uniform(3500, 8000)
    # Room for the filter's ringing, which would otherwise come in again at the start.
    n = fft.next_fast_len(len(samples) + rate // 10, real=True)
    frequencies = fft.rfftfreq(n, 1 / rate)
    octave = np.log2(np.maximum(frequencies, 1))
    loss = 24 * np.maximum(np.log2(low) - octave, 0) + 24 * np.maximum(octave - np.log2(high), 0)
    response = np.exp2((np.interp(octave, octaves, gains) - loss).astype(np.float32) / 6.02)
    return fft.irfft(fft.rfft(samples.astype(np.float32), n) * response, n)[: len(samples)]
