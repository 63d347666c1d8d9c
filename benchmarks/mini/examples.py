"""Examples that the small encoder learns from: sounds of the corpus, mixed, and some textures."""

from dataclasses import dataclass

import numpy as np

RATE = 16000


@dataclass(frozen=True)
class Chances:
    """How often a sound is a texture, and an example has each of these.

    Attributes
    ----------
    texture, second, filtered, room, noise : float
    """

    texture: float = 0.25
    second: float = 0.5
    filtered: float = 0.3
    room: float = 0.2
    noise: float = 0.4


_CHANCES = Chances()


class Mixer:
    """Draw examples from a corpus.

    An example is a sound, alone or over a second one, played a little faster or slower, perhaps
    filtered, in a room or in noise, at a random level. Packages are drawn by the root of their
    number of pieces, so that the large ones do not drown the others. Some sounds are synthetic
    textures, see `make_texture`.

    Parameters
    ----------
    corpus : Corpus
    seconds : float
        Length of an example.
    chances : Chances
        How often each thing happens.
    """

    def __init__(self, corpus, seconds=2.5, chances=_CHANCES):
        self.n_samples = round(seconds * RATE)
        self._pieces = corpus.pieces
        self._chances = chances
        packages = np.array(corpus.packages)
        names, counts = np.unique(packages, return_counts=True)
        self._rows = [np.flatnonzero(packages == name) for name in names]
        self._shares = np.sqrt(counts) / np.sqrt(counts).sum()

    def draw(self, rng):
        """Draw an example: (n_samples,), int16."""
        chances, example = self._chances, self._draw_sound(rng)
        if rng.random() < chances.second:
            example = add(example, self._draw_sound(rng), rng.uniform(-20, 0))
        if rng.random() < chances.filtered:
            example = colour(example, rng)
        if rng.random() < chances.room:
            example = put_into_room(example, rng)
        if rng.random() < chances.noise:
            noise = _coloured_noise(rng, self.n_samples)
            example = add(example, noise.astype(np.float32), rng.uniform(-50, -15))
        peak = 10 ** (rng.uniform(-20, -1) / 20)
        return np.round(example * (peak / max(np.abs(example).max(), 1e-6)) * 32767).astype(
            np.int16
        )

    def _draw_sound(self, rng):
        if rng.random() < self._chances.texture:
            return make_texture(rng, self.n_samples)
        package = rng.choice(len(self._rows), p=self._shares)
        piece = self._pieces[rng.choice(self._rows[package])]
        return lay_out(change_speed(piece.astype(np.float32) / 32768, rng), rng, self.n_samples)


def change_speed(waveform, rng, octaves=0.3):
    """Play a waveform faster or slower, by ``octaves`` at most."""
    n_samples = max(round(len(waveform) / 2 ** rng.uniform(-octaves, octaves)), 2)
    places = np.linspace(0, len(waveform) - 1, n_samples)
    return np.interp(places, np.arange(len(waveform)), waveform).astype(np.float32)


def lay_out(waveform, rng, n_samples):
    """Cut a long waveform; put a short one into silence, once or again and again."""
    room = n_samples - len(waveform)
    if room <= 0:
        start = rng.integers(-room + 1)
        return waveform[start : start + n_samples]
    laid = np.zeros(n_samples, np.float32)
    if rng.random() < 0.5:
        start = rng.integers(room + 1)
        laid[start : start + len(waveform)] = waveform
        return laid
    gap = 0 if rng.random() < 0.5 else rng.integers(n_samples // 2)
    for start in range(0, n_samples, len(waveform) + gap):
        part = waveform[: n_samples - start]
        laid[start : start + len(part)] = part
    return laid


def add(first, second, decibels):
    """Add a second sound, so many decibels above the power of the first."""
    return first + 10 ** (decibels / 20) * _power(first) / max(_power(second), 1e-6) * second


def colour(waveform, rng, octaves=8):
    """Change the spectrum smoothly, as distance and loudspeakers do: by some 12 dB at most."""
    frequencies = np.fft.rfftfreq(len(waveform), 1 / RATE)
    places = np.log2(np.maximum(frequencies, 31.25) / 31.25)
    decibels = np.interp(places, np.arange(octaves + 1), rng.normal(0, 5, octaves + 1))
    gains = 10 ** (np.clip(decibels, -12, 12) / 20)
    return np.fft.irfft(np.fft.rfft(waveform) * gains, len(waveform)).astype(np.float32)


def put_into_room(waveform, rng):
    """Add reverberation: noise that decays by 60 dB in 0.1 to 1 s, behind the sound itself."""
    from scipy.signal import fftconvolve

    decay = rng.uniform(0.1, 1.0)
    times = np.arange(round(decay * RATE)) / RATE
    echo = rng.normal(size=len(times)) * 10 ** (-3 * times / decay)
    echo /= np.sqrt(np.square(echo).sum())
    behind = fftconvolve(waveform, echo)[: len(waveform)].astype(np.float32)
    return add(waveform, behind, rng.uniform(-12, 0))


def make_texture(rng, n_samples):
    """Make a sound without a recording: coloured noise, or a hum, under a moving envelope.

    Such are the sounds of rain, surf, engines, crackling and ticking, of which games have few.
    """
    times = np.arange(n_samples) / RATE
    sound = _coloured_noise(rng, n_samples) if rng.random() < 0.75 else _hum(rng, times)
    kind = rng.integers(5)
    if kind == 1:  # swells
        sound = sound * (1 + rng.uniform(0.3, 1) * np.sin(_wave(rng, times, 0.1, 1.0)))
    elif kind == 2:  # chops
        sharpness = rng.uniform(1, 6)
        sound = sound * ((1 + np.sin(_wave(rng, times, 4, 40))) / 2) ** sharpness
    elif kind == 3:  # crackles
        sound = sound * _decaying(rng.random(n_samples) < rng.uniform(3, 80) / RATE, rng)
    elif kind == 4:  # ticks
        period = round(RATE / rng.uniform(1, 10))
        sound = sound * _decaying((np.arange(n_samples) + rng.integers(period)) % period == 0, rng)
    return (sound / max(np.abs(sound).max(), 1e-6)).astype(np.float32)


def _coloured_noise(rng, n_samples):
    frequencies = np.fft.rfftfreq(n_samples, 1 / RATE)
    spectrum = rng.normal(size=(2, len(frequencies)))
    colour = np.maximum(frequencies, 20.0) ** rng.uniform(-1.2, 0.2)
    low, high = np.sort(np.exp(rng.uniform(np.log(30), np.log(8000), 2)))
    if rng.random() < 0.5:
        colour = colour * np.where((frequencies > low) & (frequencies < 2 * high), 1, 0.03)
    return np.fft.irfft((spectrum[0] + 1j * spectrum[1]) * colour, n_samples)


def _hum(rng, times):
    phase = _wave(rng, times, 40, 600) * (1 + 0.05 * np.sin(_wave(rng, times, 0.1, 3)))
    strengths = rng.random(20) / np.arange(1, 21) ** rng.uniform(0.3, 1.5)
    return sum(s * np.sin((k + 1) * phase) for k, s in enumerate(strengths))


def _wave(rng, times, slowest, fastest):
    """Phase of an oscillation of some frequency."""
    return 2 * np.pi * (slowest * (fastest / slowest) ** rng.random() * times + rng.random())


def _decaying(starts, rng):
    """An envelope that jumps at each start, by random heights, and decays."""
    from scipy.signal import lfilter

    decay = np.exp(-1 / (RATE * 10 ** rng.uniform(-3, -1)))
    return lfilter([1], [1, -decay], starts * rng.exponential(size=len(starts)))


def _power(waveform):
    return float(np.sqrt(np.square(waveform).mean()))
