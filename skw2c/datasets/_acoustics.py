"""Random room acoustics (impulse responses) and random frequency responses of microphones."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import fft
from scipy.signal import fftconvolve


def draw_impulse_response(rng: Generator, rate: int) -> np.ndarray:
    """Draw the impulse response of a room: the direct sound and a decaying tail of noise.

    The tail decays by 60 dB within 0.1 to 1 second (RT60), and its level is 3 to 25 dB below
    the direct sound.
    """
    reverberation_time = rng.uniform(0.1, 1.0)
    n = int(reverberation_time * rate)
    tail = rng.normal(size=n) * 10 ** (-3 * np.arange(n) / n)
    level = 10 ** (-rng.uniform(3, 25) / 20)
    response = level * tail / np.sqrt(np.sum(tail**2))
    response[0] = 1.0
    return response


def add_reverberation(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Convolve samples (n,) with an impulse response; echoes beyond their end are cut off."""
    samples, response = samples.astype(np.float32), response.astype(np.float32)
    return fftconvolve(samples, response)[: len(samples)]


def apply_microphone(rng: Generator, samples: np.ndarray, rate: int) -> np.ndarray:
    """Filter samples (n,) with the frequency response of a random microphone.

    Its gain varies by several dB from octave to octave, and the lowest and highest
    frequencies are attenuated.
    """
    octaves = np.log2(np.array([31.25, 62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000]))
    gains = rng.normal(0, rng.uniform(1, 4), len(octaves))
    low, high = rng.uniform(30, 250), rng.uniform(3500, 8000)
    # Padded, because a product of spectra is a circular convolution: otherwise the ringing of
    # the filter would wrap around to the start.
    n = fft.next_fast_len(len(samples) + rate // 10, real=True)
    frequencies = fft.rfftfreq(n, 1 / rate)
    octave = np.log2(np.maximum(frequencies, 1))
    # 24 dB per octave outside the band from low to high; 6.02 dB double the amplitude.
    loss = 24 * np.maximum(np.log2(low) - octave, 0) + 24 * np.maximum(octave - np.log2(high), 0)
    response = np.exp2((np.interp(octave, octaves, gains) - loss).astype(np.float32) / 6.02)
    return fft.irfft(fft.rfft(samples.astype(np.float32), n) * response, n)[: len(samples)]
