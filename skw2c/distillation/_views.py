"""Pieces of clips that are drawn once, so that teacher and student hear the very same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ..training import Targets, TrainingClips
from ..training._batch import SoundBatch
from ..training._clips import repeat_to

_AT_ONCE = 256

Augment = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


@dataclass(frozen=True)
class Drawing:
    """How views are drawn.

    Attributes
    ----------
    n_views : int
        Of each clip.
    length : int
        Of each view, in samples.
    augment : callable or None
        From waveforms (batch, n_samples) and a generator to waveforms.
    seed : int
    """

    n_views: int
    length: int
    augment: Augment | None
    seed: int

    def draw(self, waveform: np.ndarray, row: int, view: int) -> np.ndarray:
        """Cut and augment a view; the same one whenever it is asked for.

        Parameters
        ----------
        waveform : ndarray of shape (n_samples,), float32
        row, view : int
            Which clip it is of, and which of its views.
        """
        rng = np.random.default_rng([self.seed, row, view])
        start = rng.integers(max(len(waveform) - self.length, 0) + 1)
        piece = repeat_to(waveform[start : start + self.length], self.length)
        if self.augment is None:
            return piece
        generator = torch.Generator().manual_seed(int(rng.integers(1 << 62)))
        # One by one, so that no other clip has a part in it.
        return self.augment(torch.tensor(piece)[None], generator)[0].numpy()


class Views(TrainingClips):
    """Views of clips in memory, each with what the teacher makes of it.

    A view is drawn again whenever it is read, which costs less than to keep it.

    Parameters
    ----------
    waveforms : list of ndarray of shape (n_samples,), float32
        At the sampling rate of the network.
    rows : ndarray of shape (n_clips,), int
        By what the draws of each clip are known.
    drawing : Drawing
    groups : ndarray of shape (n_clips,) or None
        Clips with the same number are on one side of a split, and views of a clip always are.
    """

    def __init__(self, waveforms, rows, drawing: Drawing, groups=None):
        self._waveforms = waveforms
        self._rows = rows
        self._drawing = drawing
        self._targets: Targets  # once they are taught
        self.n_samples = np.full(len(waveforms) * drawing.n_views, drawing.length)
        self.groups = np.repeat(np.arange(len(rows)) if groups is None else groups, drawing.n_views)

    def parts(self) -> Iterator[list[np.ndarray]]:
        """The waveforms of all views, some at a time."""
        for start in range(0, len(self.n_samples), _AT_ONCE):
            stop = min(start + _AT_ONCE, len(self.n_samples))
            yield [self._draw(number) for number in range(start, stop)]

    def teach(self, targets: list[np.ndarray]) -> None:
        """Take the teacher's vectors (n_frames, width) of each view."""
        self._targets = Targets(targets)
        self.width = self._targets.width

    @property
    def fingerprint(self) -> str:
        # Of the draws it is enough that the teacher's vectors are of the very views.
        digest = hashlib.sha256(repr((self._drawing.n_views, self._drawing.length)).encode())
        for waveform in self._waveforms:
            digest.update(np.ascontiguousarray(waveform).data)
        self._targets.update(digest)
        return digest.hexdigest()

    def read(self, rows: np.ndarray, starts: np.ndarray, length: int) -> SoundBatch:
        pieces = torch.from_numpy(np.stack([self._draw(number) for number in rows]))
        return SoundBatch(pieces, self._targets.read(rows, starts, self.n_samples[rows]))

    def _draw(self, number: int) -> np.ndarray:
        clip, view = divmod(int(number), self._drawing.n_views)
        return self._drawing.draw(self._waveforms[clip], int(self._rows[clip]), view)
