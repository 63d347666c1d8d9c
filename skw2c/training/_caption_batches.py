"""What a decoder of captions learns from: vectors of frames, and the words for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..models import PAD, pad_frames
from ._batch import Batch
from ._batches import Batches


@dataclass
class CaptionBatch(Batch):
    """Some captions, and the frames that they describe.

    Attributes
    ----------
    frames : Tensor of shape (batch, longest, n_features), float32
    n_frames : Tensor of shape (batch,), int64
        How many of them each clip has; the rest is padding.
    words : Tensor of shape (batch, longest), int64
        Numbers of the words of each caption, from its start to its end, then padding.
    n_terms : int
        Number of words to predict.
    """

    frames: Tensor
    n_frames: Tensor
    words: Tensor
    n_terms: int

    def inputs(self) -> tuple[Tensor, ...]:
        return self.frames, self.n_frames, self.words


@dataclass(frozen=True)
class CaptionedFrames:
    """Clips and their captions.

    Attributes
    ----------
    frames : list of ndarray of shape (n_frames, n_features)
        Those of each clip.
    captions : list of ndarray of int64
        Numbers of the words of each caption, from its start to its end.
    clips : ndarray of shape (n_captions,)
        Index of the clip that each caption describes.
    """

    frames: list[np.ndarray]
    captions: list[np.ndarray]
    clips: np.ndarray


class CaptionBatches(Batches):
    """Captions in random order, all of them in each epoch.

    Parameters
    ----------
    examples : CaptionedFrames
    training, validation : ndarray of int
        Which captions are learned from, and which are held out, maybe none.
    batch_size : int
    seed : int
        Determines the order of the captions, and dropout.
    """

    def __init__(
        self,
        examples: CaptionedFrames,
        training: np.ndarray,
        validation: np.ndarray,
        *,
        batch_size: int,
        seed: int,
    ):
        self._examples = examples
        self._training = training
        self._validation = validation
        self._batch_size = batch_size
        self.seed = seed

    def training(self, epoch: int) -> list[np.ndarray]:
        return self._cut(np.random.default_rng([self.seed, epoch]).permutation(self._training))

    def validation(self) -> list[np.ndarray]:
        return self._cut(self._validation)

    def read(self, content: np.ndarray, rank: int) -> CaptionBatch:
        examples = self._examples
        clips = [examples.frames[clip] for clip in examples.clips[content]]
        frames, n_frames = pad_frames(clips, torch.empty(0))
        words = [torch.from_numpy(examples.captions[row]) for row in content]
        padded = nn.utils.rnn.pad_sequence(words, batch_first=True, padding_value=PAD)
        return CaptionBatch(frames, n_frames, padded, self.count_terms([content]))

    def step_seed(self, epoch: int, step: int, rank: int) -> int | None:
        # Dropout is drawn in one go: these runs are short, and none is interrupted and resumed.
        return self.seed if epoch == step == 0 else None

    def count_terms(self, contents: Sequence[np.ndarray]) -> int:
        """Number of words to predict, ends among them; a start is given."""
        captions = self._examples.captions
        return sum(len(captions[row]) - 1 for rows in contents for row in rows)

    def average(self, losses: Tensor, contents: Sequence[np.ndarray]) -> float:
        return losses.cpu().double().sum().item() / self.count_terms(contents)

    def _cut(self, rows: np.ndarray) -> list[np.ndarray]:
        starts = range(0, len(rows), self._batch_size)
        return [rows[start : start + self._batch_size] for start in starts]
