"""What there is to train on: clips and their targets, read piece by piece."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor

from ._batch import SoundBatch
from ._targets import Targets


class TrainingClips:
    """Base of the clips to train on, each with its targets.

    Attributes
    ----------
    n_samples : ndarray of shape (n_clips,), int64
        Length of each clip, at the sampling rate of the network.
    width : int
        Dimension of the targets.
    has_texts : bool
        Whether there are vectors of captions too.
    groups : ndarray of shape (n_clips,) or None
        Clips with the same number belong together, and are on one side of any split.
    classes : ndarray of shape (n_clips, n_classes) or None
        1 for the classes of a clip, which any split should have on both sides.
    teacher : dict or None
        What made the targets, where the clips know it.
    sampling_rate : int or None
        Rate of the sound in Hz, where it is not known to be that of the network.
    """

    n_samples: np.ndarray
    width: int
    has_texts = False
    groups: np.ndarray | None = None
    classes: np.ndarray | None = None
    teacher: dict | None = None
    sampling_rate: int | None = None

    @property
    def fingerprint(self) -> str:
        """The same for the same data, so that a run goes on with what it began with."""
        raise NotImplementedError

    def split_fingerprint(self) -> str | None:
        """The same for the same groups and classes; None where there are none to tell apart."""
        known = [self.groups, self.classes]
        if all(part is None for part in known):
            return None
        digest = hashlib.sha256()
        for part in known:
            digest.update(b"none" if part is None else repr(part.shape).encode() + part.tobytes())
        return digest.hexdigest()

    def read(self, rows: np.ndarray, starts: np.ndarray, length: int) -> SoundBatch:
        """Read ``length`` samples of each clip in ``rows``, from the sample in ``starts``.

        A clip that ends before is repeated from the start of the piece. The target is that of
        the seconds before it is repeated.
        """
        raise NotImplementedError


def unrepeated_lengths(
    n_samples: np.ndarray, rows: np.ndarray, starts: np.ndarray, length: int
) -> np.ndarray:
    """How many samples of each piece there are before its clip is repeated."""
    return np.minimum(n_samples[rows] - starts, length)


def repeat_to(waveform: np.ndarray, length: int) -> np.ndarray:
    """Repeat a waveform until it has ``length`` samples, as the VGGSound baseline does."""
    if len(waveform) >= length:
        return waveform[:length]
    return np.resize(waveform, length)


class WaveformClips(TrainingClips):
    """Clips whose samples are in memory.

    Parameters
    ----------
    waveforms : sequence of ndarray of shape (n_samples,), float32
        At the sampling rate of the network; a matrix (n_clips, n_samples) will do.
    targets : Targets
    texts : ndarray of shape (n_clips, width) or None
    """

    def __init__(self, waveforms, targets: Targets, texts: np.ndarray | None = None):
        self._waveforms = waveforms
        self._targets = targets
        self._texts = texts
        self.n_samples = np.array([len(waveform) for waveform in waveforms])
        self.width = targets.width
        self.has_texts = texts is not None

    @property
    def fingerprint(self) -> str:
        digest = hashlib.sha256(self.n_samples.data)
        for waveform in self._waveforms:
            digest.update(np.ascontiguousarray(waveform).data)
        return _add_targets(digest, self._targets, self._texts)

    def read(self, rows: np.ndarray, starts: np.ndarray, length: int) -> SoundBatch:
        pieces = np.empty((len(rows), length), np.float32)
        for piece, row, start in zip(pieces, rows, starts, strict=True):
            piece[:] = repeat_to(self._waveforms[row][start : start + length], length)
        texts = None if self._texts is None else torch.from_numpy(self._texts[rows])
        lengths = unrepeated_lengths(self.n_samples, rows, starts, length)
        return SoundBatch(
            torch.from_numpy(pieces), self._targets.read(rows, starts, lengths), texts
        )


class TensorClips(TrainingClips):
    """Clips of one length in a tensor, which may be on a GPU and then never leaves it.

    Parameters
    ----------
    waveforms : Tensor of shape (n_clips, n_samples)
        At the sampling rate of the network, floats or 16-bit integers.
    targets : Targets
    texts : ndarray of shape (n_clips, width) or None
    """

    def __init__(self, waveforms: Tensor, targets: Targets, texts: np.ndarray | None = None):
        self._waveforms = waveforms.detach()
        self._targets = targets
        self._texts = texts
        self.n_samples = np.full(len(waveforms), waveforms.shape[1])
        self.width = targets.width
        self.has_texts = texts is not None

    @property
    def fingerprint(self) -> str:
        digest = hashlib.sha256(self.n_samples.data)
        for waveforms in self._waveforms.split(256):
            digest.update(waveforms.cpu().contiguous().numpy().data)
        return _add_targets(digest, self._targets, self._texts)

    def read(self, rows: np.ndarray, starts: np.ndarray, length: int) -> SoundBatch:
        texts = None if self._texts is None else torch.from_numpy(self._texts[rows])
        lengths = unrepeated_lengths(self.n_samples, rows, starts, length)
        return SoundBatch(
            self._cut(rows, starts, length), self._targets.read(rows, starts, lengths), texts
        )

    def _cut(self, rows: np.ndarray, starts: np.ndarray, length: int) -> Tensor:
        n_samples, device = self._waveforms.shape[1], self._waveforms.device
        rows_there, starts_there = _send(rows, device), _send(starts, device)
        if starts.max() + length <= n_samples:
            return self._waveforms.unfold(1, length, 1)[rows_there, starts_there]
        columns = starts_there[:, None] + torch.arange(length, device=device)
        return self._waveforms[rows_there[:, None], columns % n_samples]


def _add_targets(digest, targets: Targets, texts: np.ndarray | None) -> str:
    """Finish the fingerprint of clips, given the checksum of their samples."""
    targets.update(digest)
    if texts is not None:
        digest.update(np.ascontiguousarray(texts).data)
    return digest.hexdigest()


def _send(numbers: np.ndarray, device: torch.device) -> Tensor:
    """Put numbers on a device, without waiting for what it still computes."""
    tensor = torch.from_numpy(numbers)
    tensor = tensor.pin_memory() if device.type == "cuda" else tensor
    return tensor.to(device, non_blocking=True)
