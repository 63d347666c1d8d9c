"""Waveforms to draw: the lowest and highest sample of each stretch of a sound."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from ..audio._decode import check_duration, open_audio
from ..audio._sound_clip import as_audio_error

_FIRST = 64  # samples of the shortest stretches
_MOST = 1 << 14  # stretches that are kept of a sound
_LARGEST = 127
MOST_POINTS = 4000


@dataclass(frozen=True)
class Waveform:
    """The shape of a sound.

    Attributes
    ----------
    duration : float
        In seconds.
    low, high : ndarray of shape (n_stretches,), int8
        The lowest and highest sample of all channels in stretches of equal length; 127 is full
        scale.
    ends : float
        How many stretches the sound fills; the last one may be incomplete.
    """

    duration: float
    low: np.ndarray
    high: np.ndarray
    ends: float

    def describe(self, n_points: int) -> dict:
        """At most so many points, as the page draws them."""
        n_points = max(1, min(n_points, len(self.low)))
        starts = np.arange(n_points) * self.ends / n_points
        starts = np.minimum(starts.astype(int), len(self.low) - 1)
        return {
            "duration": self.duration,
            "points": n_points,
            "low": np.minimum.reduceat(self.low, starts).tolist(),
            "high": np.maximum.reduceat(self.high, starts).tolist(),
        }


def read_waveform(path: str) -> Waveform:
    """Read the shape of a sound of any length, in bounded memory.

    Raises
    ------
    AudioError
        If it cannot be read.
    """
    shape = _Shape()
    with as_audio_error(), open_audio(path) as file:
        size = os.path.getsize(path)
        for block in check_duration(file.blocks(), file.sampling_rate, size):
            shape.add(block)
        return shape.finish(file.sampling_rate)


class _Shape:
    """Extremes of stretches of samples, which double in length whenever there are too many."""

    def __init__(self):
        self._step, self._n_samples = _FIRST, 0
        self._low = self._high = np.zeros(0, np.float32)
        self._rest = np.zeros((2, 0), np.float32)

    def add(self, block: np.ndarray) -> None:
        """Add samples of shape (samples, channels)."""
        self._n_samples += len(block)
        block = np.nan_to_num(block)
        extremes = np.stack([block.min(axis=1), block.max(axis=1)])
        extremes = np.concatenate([self._rest, extremes], axis=1)
        whole = extremes.shape[1] // self._step * self._step
        self._rest = extremes[:, whole:]
        self._append(extremes[:, :whole])

    def finish(self, rate: int) -> Waveform:
        """The shape of all that was added."""
        ends = self._n_samples / self._step
        if self._rest.size:
            low, high = self._rest[0].min(), self._rest[1].max()
            self._low, self._high = np.append(self._low, low), np.append(self._high, high)
        if not len(self._low):
            self._low = self._high = np.zeros(1, np.float32)
        duration = self._n_samples / rate
        return Waveform(duration, _to_int8(self._low), _to_int8(self._high), max(ends, 1e-9))

    def _append(self, extremes: np.ndarray) -> None:
        low = extremes[0].reshape(-1, self._step).min(axis=1)
        high = extremes[1].reshape(-1, self._step).max(axis=1)
        self._low, self._high = np.append(self._low, low), np.append(self._high, high)
        while len(self._low) > _MOST:
            self._halve()

    def _halve(self) -> None:
        """Join each two stretches; an odd one is not complete any more."""
        if len(self._low) % 2:
            step, low, high = self._step, self._low[-1], self._high[-1]
            odd = np.stack([np.full(step, low), np.full(step, high)])
            self._rest = np.concatenate([odd, self._rest], axis=1)
            self._low, self._high = self._low[:-1], self._high[:-1]
        self._low = self._low.reshape(-1, 2).min(axis=1)
        self._high = self._high.reshape(-1, 2).max(axis=1)
        self._step *= 2


def _to_int8(samples: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(samples, -1, 1) * _LARGEST).astype(np.int8)
