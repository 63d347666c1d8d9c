"""Targets: what a network learns to predict of each clip, or of the moments within it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class Targets:
    """One target for each clip, or many at a rate.

    These are a teacher's vectors, vectors of the names of classes, or indicators of classes.

    Parameters
    ----------
    values : sequence of ndarray of shape (n_frames, width)
        Of each clip.
    frame_rate : float or None, default=None
        Targets per second. None means that a clip's targets belong to all of it.
    sampling_rate : int or None, default=None
        Rate in Hz of the waveforms that they belong to, in which pieces are counted. It is
        needed where there is a frame rate.
    """

    def __init__(self, values, frame_rate: float | None = None, sampling_rate: int | None = None):
        self._values = values
        self._rates: tuple = (frame_rate, sampling_rate)
        self.width = values[0].shape[-1]
        self._of_clips: np.ndarray | None = None
        if frame_rate is None or all(len(frames) == 1 for frames in values):
            # Averaged once, for no piece has any others.
            self._of_clips = np.stack([average(frames) for frames in values])

    def read(self, rows: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> Tensor:
        """Mean targets (batch, width) of pieces, whose starts and lengths are in samples."""
        if self._of_clips is not None:
            return torch.from_numpy(self._of_clips[rows])
        frame_rate, sampling_rate = self._rates
        means = [
            average_frames(self._values[row], frame_rate, sampling_rate, start, length)
            for row, start, length in zip(rows, starts, lengths, strict=True)
        ]
        return torch.from_numpy(np.stack(means))

    def update(self, digest) -> None:
        """Add all that the targets depend on to a checksum."""
        digest.update(f"{self._rates[0]} {len(self._values)}".encode())
        for frames in self._values:
            digest.update(f"{frames.shape} {frames.dtype.str}".encode())
            digest.update(np.ascontiguousarray(frames).data)


def average_frames(
    frames: np.ndarray, frame_rate: float, sampling_rate: int, start: int, length: int
) -> np.ndarray:
    """Average the vectors of the frames that are shown during a piece of sound.

    The frame at sample s of the sound is number floor(s / sampling_rate * frame_rate), as in
    the published program. Sound beyond the last frame goes with the last frame.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, width)
    frame_rate : float
        Frames per second.
    sampling_rate : int
        Rate of the sound in Hz.
    start, length : int
        The piece, in samples.

    Returns
    -------
    ndarray of shape (width,), float32
    """
    return average(frames[which_frames(len(frames), frame_rate, sampling_rate, start, length)])


def which_frames(
    n_frames: int, frame_rate: float, sampling_rate: int, start: int, length: int
) -> slice:
    """Which of a clip's frames `average_frames` averages, one at least."""
    first = min(int(start * frame_rate / sampling_rate), n_frames - 1)
    count = max(round(length / sampling_rate * frame_rate), 1)
    return slice(first, min(first + count, n_frames))


def average(frames: np.ndarray) -> np.ndarray:
    """Mean (width,) of frames (n_frames, width), float32."""
    return np.asarray(frames).mean(axis=0, dtype=np.float32)
