"""What there is to train on: sound and the teacher's vectors, read piece by piece."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

SAMPLING_RATE = 16000
"""Rate of all waveforms that are trained on, in Hz."""


@dataclass
class Batch:
    """Pieces of some clips, all of one length.

    Attributes
    ----------
    waveforms : Tensor of shape (batch, n_samples)
        Samples at 16 kHz, floats or 16-bit integers.
    targets : Tensor of shape (batch, width)
        What the teacher says of the same seconds, float32.
    texts : Tensor of shape (batch, width) or None
        Vectors of captions, float32.
    """

    waveforms: Tensor
    targets: Tensor
    texts: Tensor | None = None


class TrainingClips(Protocol):
    """Clips to train on, each with a teacher's vectors.

    Attributes
    ----------
    n_samples : ndarray of shape (n_clips,), int64
        Length of each clip at 16 kHz.
    width : int
        Length of the teacher's vectors.
    has_texts : bool
        Whether there are vectors of captions too.
    groups : ndarray of shape (n_clips,) or None
        Clips with the same number belong together, and are on one side of any split.
    classes : ndarray of shape (n_clips, n_classes) or None
        1 for the classes of a clip, which any split must have on both sides. Clips that know of
        no classes may lack the attribute.
    """

    n_samples: np.ndarray
    width: int
    has_texts: bool
    groups: np.ndarray | None

    @property
    def identity(self) -> str:
        """The same for the same data, so that a run goes on with what it began with."""

    def read(self, rows: np.ndarray, starts: np.ndarray, length: int) -> Batch:
        """Read ``length`` samples of each clip in ``rows``, from the sample in ``starts``.

        A piece that ends before is repeated. The target is the teacher's vector of the seconds
        that are heard.
        """


class TeacherVectors:
    """The teacher's vectors: one for each clip, or many with a rate.

    Parameters
    ----------
    vectors : sequence of ndarray of shape (n_frames, width)
        Of each clip.
    rate : float or None
        Frames per second. None means that a clip's vectors belong to all of it.
    """

    def __init__(self, vectors, rate: float | None):
        self._vectors = vectors
        self._rate = rate
        self.width = vectors[0].shape[-1]
        self._of_clips = None
        if rate is None or all(len(frames) == 1 for frames in vectors):
            self._of_clips = np.stack([average_frames(frames, None, 0, 0) for frames in vectors])

    def read(self, rows: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> Tensor:
        """Mean vectors (batch, width) of pieces, whose starts and lengths are in samples."""
        if self._of_clips is not None:
            return torch.from_numpy(self._of_clips[rows])
        means = [
            average_frames(self._vectors[row], self._rate, start, length)
            for row, start, length in zip(rows, starts, lengths, strict=True)
        ]
        return torch.from_numpy(np.stack(means))

    def update(self, digest) -> None:
        """Add all that the vectors depend on to a checksum."""
        digest.update(f"{self._rate} {len(self._vectors)}".encode())
        for frames in self._vectors:
            digest.update(f"{frames.shape} {frames.dtype.str}".encode())
            digest.update(np.ascontiguousarray(frames))


def average_frames(frames: np.ndarray, rate: float | None, start: int, length: int) -> np.ndarray:
    """Average the vectors of the frames that are shown while a piece of sound is heard.

    The frame at sample s of the sound is number floor(s / 16000 * rate), as in the
    published program. Sound beyond the last frame goes with the last frame.

    Parameters
    ----------
    frames : ndarray of shape (n_frames, width)
    rate : float or None
        Frames per second; None averages all.
    start, length : int
        The piece, in samples at 16 kHz.

    Returns
    -------
    ndarray of shape (width,), float32
    """
    if rate is not None:
        frames = frames[which_frames(len(frames), rate, start, length)]
    return average(frames)


def which_frames(n_frames: int, rate: float, start: int, length: int) -> slice:
    """Which of a clip's frames `average_frames` averages, one at least."""
    first = min(int(start * rate / SAMPLING_RATE), n_frames - 1)
    count = max(round(length / SAMPLING_RATE * rate), 1)
    return slice(first, min(first + count, n_frames))


def average(frames: np.ndarray) -> np.ndarray:
    """Mean (width,) of frames (n_frames, width), float32."""
    return np.asarray(frames).mean(axis=0, dtype=np.float32)


def heard(n_samples: np.ndarray, rows: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """How many samples of each piece are there before it is repeated."""
    return np.minimum(n_samples[rows] - starts, length)


def repeat_to(waveform: np.ndarray, length: int) -> np.ndarray:
    """Repeat a waveform until it has ``length`` samples, as the VGGSound baseline does."""
    if len(waveform) >= length:
        return waveform[:length]
    return np.resize(waveform, length)


class WaveformClips:
    """Clips whose samples are in memory.

    Parameters
    ----------
    waveforms : sequence of ndarray of shape (n_samples,), float32
        At 16 kHz; a matrix (n_clips, n_samples) will do.
    targets : TeacherVectors
    texts : ndarray of shape (n_clips, width) or None
    """

    def __init__(self, waveforms, targets: TeacherVectors, texts: np.ndarray | None = None):
        self._waveforms = waveforms
        self._targets = targets
        self._texts = texts
        self.n_samples = np.array([len(waveform) for waveform in waveforms])
        self.width = targets.width
        self.has_texts = texts is not None
        self.groups = self.classes = None

    @property
    def identity(self) -> str:
        digest = hashlib.sha256(self.n_samples)
        for waveform in self._waveforms:
            digest.update(np.ascontiguousarray(waveform))
        self._targets.update(digest)
        if self._texts is not None:
            digest.update(np.ascontiguousarray(self._texts))
        return digest.hexdigest()

    def read(self, rows: np.ndarray, starts: np.ndarray, length: int) -> Batch:
        pieces = np.empty((len(rows), length), np.float32)
        for piece, row, start in zip(pieces, rows, starts, strict=True):
            piece[:] = repeat_to(self._waveforms[row][start : start + length], length)
        texts = None if self._texts is None else torch.from_numpy(self._texts[rows])
        lengths = heard(self.n_samples, rows, starts, length)
        return Batch(torch.from_numpy(pieces), self._targets.read(rows, starts, lengths), texts)


class TensorClips:
    """Clips of one length in a tensor, which may be on a GPU and then never leaves it.

    Parameters
    ----------
    waveforms : Tensor of shape (n_clips, n_samples)
        At 16 kHz, floats or 16-bit integers.
    targets : TeacherVectors
    texts : ndarray of shape (n_clips, width) or None
    """

    def __init__(self, waveforms: Tensor, targets: TeacherVectors, texts=None):
        self._waveforms = waveforms.detach()
        self._targets = targets
        self._texts = texts
        self.n_samples = np.full(len(waveforms), waveforms.shape[1])
        self.width = targets.width
        self.has_texts = texts is not None
        self.groups = self.classes = None

    @property
    def identity(self) -> str:
        digest = hashlib.sha256(self.n_samples)
        for waveforms in self._waveforms.split(256):
            digest.update(waveforms.cpu().contiguous().numpy())
        self._targets.update(digest)
        if self._texts is not None:
            digest.update(np.ascontiguousarray(self._texts))
        return digest.hexdigest()

    def read(self, rows: np.ndarray, starts: np.ndarray, length: int) -> Batch:
        texts = None if self._texts is None else torch.from_numpy(self._texts[rows])
        lengths = heard(self.n_samples, rows, starts, length)
        return Batch(
            self._cut(rows, starts, length), self._targets.read(rows, starts, lengths), texts
        )

    def _cut(self, rows: np.ndarray, starts: np.ndarray, length: int) -> Tensor:
        n_samples, device = self._waveforms.shape[1], self._waveforms.device
        rows_there, starts_there = _send(rows, device), _send(starts, device)
        if starts.max() + length <= n_samples:
            return self._waveforms.unfold(1, length, 1)[rows_there, starts_there]
        columns = starts_there[:, None] + torch.arange(length, device=device)
        return self._waveforms[rows_there[:, None], columns % n_samples]


def _send(numbers: np.ndarray, device: torch.device) -> Tensor:
    """Put numbers on a device, without waiting for what it still computes."""
    numbers = torch.from_numpy(numbers)
    numbers = numbers.pin_memory() if device.type == "cuda" else numbers
    return numbers.to(device, non_blocking=True)
