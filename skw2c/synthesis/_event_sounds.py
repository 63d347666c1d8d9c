"""One generator for each kind of sound: a random event of that kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from scipy.signal import lfilter

from ._building_blocks import (
    fade,
    keep_band,
    let_ring,
    make_glide,
    make_harmonics,
    make_silence,
    make_strokes,
    make_time,
)

# Every function chooses pitch, length and timbre at random, and returns samples of any level.
# The order of the draws from the generator within a function determines what a seed gives.
Sound = Callable[[Generator, int], np.ndarray]


def bell(rng: Generator, rate: int) -> np.ndarray:
    """A struck bell: inharmonic partials that decay, the high ones first."""
    t = make_time(rng.uniform(1.0, 2.0), rate)
    ratios = np.array([0.56, 0.92, 1.19, 1.71, 2.0, 2.74, 3.0, 3.76]) * rng.normal(1, 0.01, 8)
    decays = rng.uniform(0.8, 1.3) / np.sqrt(ratios)
    partials = np.sin(2 * np.pi * rng.uniform(300, 900) * ratios[:, None] * t)
    return (rng.uniform(0.3, 1, (8, 1)) * np.exp(-t / decays[:, None] * 3) * partials).sum(0)


def bird(rng: Generator, rate: int) -> np.ndarray:
    """A bird's phrase: a few quick whistles that rise or fall."""
    low = rng.uniform(2000, 3500)
    syllables = []
    for _ in range(rng.integers(3, 8)):
        t = make_time(rng.uniform(0.05, 0.15), rate)
        start, end = low + rng.uniform(0, 2500, 2)
        syllables += [
            fade(make_glide(start, end, t, rate), rate),
            make_silence(rng, 0.02, 0.08, rate),
        ]
    return np.concatenate(syllables)


def siren(rng: Generator, rate: int) -> np.ndarray:
    """A wailing siren: harmonics whose pitch swings up and down."""
    t = make_time(rng.uniform(2.0, 3.5), rate)
    swing = np.sin(2 * np.pi * rng.uniform(0.3, 1.2) * t + rng.uniform(0, 6.28))
    return make_harmonics(
        rng.uniform(600, 900) * 2 ** (rng.uniform(0.3, 0.7) * swing), 5, 1.2, rate
    )


def engine(rng: Generator, rate: int) -> np.ndarray:
    """A running motor: many low harmonics with a tremolo, and some noise."""
    t = make_time(rng.uniform(2.0, 4.0), rate)
    pitch = rng.uniform(25, 90) * (1 + 0.05 * np.sin(2 * np.pi * rng.uniform(0.2, 1) * t))
    sound = make_harmonics(pitch, 30, 0.7, rate)
    beat = 1 + 0.5 * np.sin(2 * np.pi * rng.uniform(6, 14) * t)
    noise = keep_band(rng.normal(size=len(t)), 80, 1500, rate)
    return fade(beat * sound + 0.3 * noise, rate, 0.1)


def rain(rng: Generator, rate: int) -> np.ndarray:
    """Rain: high hiss and drops at random moments."""
    n = len(make_time(rng.uniform(2.5, 4.5), rate))
    drops = (rng.random(n) < rng.uniform(20, 120) / rate) * rng.exponential(4, n)
    hiss = keep_band(rng.normal(size=n), rng.uniform(800, 2000), rate * 0.45, rate)
    return fade(hiss + let_ring(drops, rng.uniform(1500, 4000), 0.0006, rate), rate, 0.2)


def knock(rng: Generator, rate: int) -> np.ndarray:
    """Knocks on wood: a few short, low, dull strokes."""
    period, n_strokes = rng.uniform(0.12, 0.3), int(rng.integers(2, 6))
    strokes = make_strokes(rng, n_strokes, period, 0.1 * period, rate)
    body = let_ring(strokes, rng.uniform(120, 350), rng.uniform(0.015, 0.04), rate)
    return body + 0.5 * let_ring(strokes, rng.uniform(500, 900), 0.01, rate)


def tick(rng: Generator, rate: int) -> np.ndarray:
    """A clock: sharp clicks at regular intervals, every other one brighter."""
    period = rng.uniform(0.2, 0.55)
    clicks = make_strokes(rng, int(rng.uniform(1.5, 3) / period) + 2, period, 0.0, rate)
    odd = clicks.copy()
    odd[: int(period * rate)] = 0
    bright = let_ring(clicks, rng.uniform(2500, 5500), 0.003, rate)
    return bright + let_ring(odd, rng.uniform(1200, 2400), 0.004, rate)


def whistle(rng: Generator, rate: int) -> np.ndarray:
    """A person who whistles: one tone with glide, vibrato and some breath."""
    t = make_time(rng.uniform(0.6, 1.8), rate)
    vibrato = 1 + 0.015 * np.sin(2 * np.pi * rng.uniform(4, 7) * t)
    first, last = rng.uniform(900, 2200, 2)
    tone = make_harmonics(np.geomspace(first, last, len(t)) * vibrato, 2, 3, rate)
    return fade(tone + 0.05 * keep_band(rng.normal(size=len(t)), 1000, 4000, rate), rate, 0.05)


def buzzer(rng: Generator, rate: int) -> np.ndarray:
    """An electric buzzer: a harsh square wave, switched on and off."""
    t = make_time(rng.uniform(0.6, 1.6), rate)
    wave = np.sign(np.sin(2 * np.pi * rng.uniform(110, 320) * t) + rng.uniform(-0.3, 0.3))
    gate = (t * rng.uniform(1.5, 5)) % 1 < rng.uniform(0.5, 0.8)
    return keep_band(wave * gate, 100, 6000, rate)


def wind(rng: Generator, rate: int) -> np.ndarray:
    """Wind: low noise that swells, with a howling band in it."""
    t = make_time(rng.uniform(2.5, 4.5), rate)
    noise = rng.normal(size=len(t))
    low, high = rng.uniform(250, 600) * np.array([0.9, 1.15])
    howl = keep_band(noise, low, high, rate)
    gust = 1 + 0.8 * np.sin(2 * np.pi * rng.uniform(0.15, 0.6) * t + rng.uniform(0, 6.28))
    rumble = keep_band(noise, 30, rng.uniform(300, 700), rate)
    return fade(gust * (rumble + rng.uniform(0.5, 2) * howl), rate, 0.2)


def pluck(rng: Generator, rate: int) -> np.ndarray:
    """Plucked strings: noise bursts in a delay loop with a lowpass (Karplus-Strong)."""
    n = len(make_time(rng.uniform(1.0, 2.0), rate))
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
        t = make_time(rng.uniform(0.1, 0.22), rate)
        falling = pitch * np.geomspace(rng.uniform(1.1, 1.4), rng.uniform(0.6, 0.8), len(t))
        voice = make_harmonics(falling, 12, 0.5, rate) + 0.8 * rng.normal(size=len(t))
        cries += [fade(keep_band(voice, throat * 0.5, throat * 2, rate), rate, 0.03)]
        cries += [make_silence(rng, 0.12, 0.35, rate)]
    return np.concatenate(cries)


SOUNDS: dict[str, Sound] = {
    function.__name__: function
    for function in (
        bell,
        bird,
        siren,
        engine,
        rain,
        knock,
        tick,
        whistle,
        buzzer,
        wind,
        pluck,
        bark,
    )
}
