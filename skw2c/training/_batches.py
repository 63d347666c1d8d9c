"""What the loop asks of the material that a run learns from; all else is the same for all runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ._batch import Batch, SoundBatch
from ._clips import TrainingClips
from ._plan import Piece, Plan

Augment = Callable[[Tensor, torch.Generator], Tensor]


class Batches:
    """Base of what a run learns from, batch by batch.

    Which examples are in a batch, and all that is drawn for it, follows from the seed, the
    epoch and the step alone.

    Attributes
    ----------
    seed : int
    world_size : int
        Number of processes that share each batch.
    """

    seed: int
    world_size = 1

    def training(self, epoch: int) -> Sequence:
        """What each batch of an epoch consists of, in order."""
        raise NotImplementedError

    def validation(self) -> Sequence:
        """What each batch of validation consists of; nothing where there is no validation."""
        raise NotImplementedError

    def read(self, content, rank: int) -> Batch:
        """Read the part of a batch that one process computes, on the CPU, in any thread."""
        raise NotImplementedError

    def augment(self, batch: Any, epoch: int, step: int, rank: int) -> Batch:
        """Vary a batch of training, which is on its device; by default as it is."""
        return batch

    def step_seed(self, epoch: int, step: int, rank: int) -> int | None:
        """Seed of what the network draws in a step; None to draw on from the step before."""
        raise NotImplementedError

    def count_terms(self, contents: Sequence) -> int:
        """By what the sum of the losses of batches is divided to give their mean."""
        raise NotImplementedError

    def average(self, losses: Tensor, contents: Sequence) -> float:
        """Mean loss of some batches, given that of each."""
        raise NotImplementedError


class SoundBatches(Batches):
    """Pieces of clips and their targets.

    Parameters
    ----------
    clips : TrainingClips
    plan : Plan
    augment : callable or None, default=None
        From waveforms (batch, n_samples) and a generator to waveforms.
    """

    def __init__(self, clips: TrainingClips, plan: Plan, augment: Augment | None = None):
        self._clips = clips
        self._plan = plan
        self._augment = augment
        self.seed = plan.seed
        self.world_size = plan.world_size

    def training(self, epoch: int) -> list[Piece]:
        return self._plan.training(epoch)

    def validation(self) -> list[Piece]:
        return self._plan.validation()

    def read(self, content: Piece, rank: int) -> SoundBatch:
        own = self._plan.share(content, rank)
        return self._clips.read(own.rows, own.starts, self._plan.length)

    def augment(self, batch: SoundBatch, epoch: int, step: int, rank: int) -> SoundBatch:
        if self._augment is None:
            return batch
        _, seed = self._plan.step_seeds(epoch, step, rank)
        generator = torch.Generator(batch.waveforms.device).manual_seed(seed)
        return replace(batch, waveforms=self._augment(batch.waveforms, generator))

    def step_seed(self, epoch: int, step: int, rank: int) -> int:
        return self._plan.step_seeds(epoch, step, rank)[0]

    def count_terms(self, contents: Sequence[Piece]) -> int:
        return len(contents)  # all batches of an epoch have the same size

    def average(self, losses: Tensor, contents: Sequence[Piece]) -> float:
        return losses.mean().item()
