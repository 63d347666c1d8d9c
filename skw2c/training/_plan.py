"""Which clips are read when, and from where: fixed by a seed, the epoch and the step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SPLIT, _ORDER, _STEP = range(3)


@dataclass(frozen=True)
class Piece:
    """Rows of one batch and the sample at which each clip's piece starts."""

    rows: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True)
class Plan:
    """All that is drawn for a run, none of it dependent on what was drawn before.

    Attributes
    ----------
    n_samples : ndarray of shape (n_clips,)
        Length of each clip.
    length : int
        Samples of a piece.
    batch_size : int
        Most clips in a batch of all processes together.
    validation_fraction : float
        Part of the clips that is kept for validation.
    seed : int
    world_size : int
        Number of processes, by which the batches can be divided.
    """

    n_samples: np.ndarray
    length: int
    batch_size: int
    validation_fraction: float
    seed: int
    world_size: int = 1

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows for training and for validation, each in ascending order."""
        n_clips = len(self.n_samples)
        n_validation = round(self.validation_fraction * n_clips)
        order = self._generator(_SPLIT).permutation(n_clips)
        return np.sort(order[n_validation:]), np.sort(order[:n_validation])

    def training(self, epoch: int) -> list[Piece]:
        """The batches of an epoch: random order, random pieces.

        All have the same size. The few clips that this leaves over, fewer than there are
        batches, are others in each epoch.
        """
        rows, _ = self.split()
        rng = self._generator(_ORDER, epoch)
        order = rng.permutation(rows)
        room = np.maximum(self.n_samples[order] - self.length, 0)
        starts = (rng.random(len(order)) * (room + 1)).astype(np.int64)
        n_batches = -(-len(order) // self.batch_size)
        size = len(order) // n_batches // self.world_size * self.world_size
        return [
            Piece(order[first : first + size], starts[first : first + size])
            for first in range(0, n_batches * size, size)
        ]

    def validation(self) -> list[Piece]:
        """The batches of validation: the middle of each clip."""
        _, rows = self.split()
        starts = np.maximum(self.n_samples[rows] - self.length, 0) // 2
        n_batches = -(-len(rows) // self.batch_size)
        size = max(len(rows) // max(n_batches, 1) // self.world_size, 1) * self.world_size
        return [
            Piece(rows[first : first + size], starts[first : first + size])
            for first in range(0, n_batches * size, size)
        ]

    def share(self, piece: Piece, rank: int) -> Piece:
        """The part of a batch that one of the processes computes."""
        own = slice(
            rank * len(piece.rows) // self.world_size,
            (rank + 1) * len(piece.rows) // self.world_size,
        )
        return Piece(piece.rows[own], piece.starts[own])

    def step_seed(self, epoch: int, step: int, rank: int) -> int:
        """Seed of all that is drawn in one step: dropout and augmentation."""
        return int(self._sequence(_STEP, epoch, step, rank).generate_state(1, np.uint64)[0] >> 1)

    def _generator(self, *key: int) -> np.random.Generator:
        return np.random.default_rng(self._sequence(*key))

    def _sequence(self, *key: int) -> np.random.SeedSequence:
        return np.random.SeedSequence([self.seed, *key])
