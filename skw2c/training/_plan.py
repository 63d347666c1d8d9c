"""Which clips are in which batch, and from which sample on: fixed by seed, epoch and step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ._split import draw_evenly

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
        Part of the clips that is held out for validation.
    seed : int
    world_size : int
        Number of processes, by which the batches can be divided.
    groups : ndarray of shape (n_clips,) or None
        Clips with the same number are on one side of the split.
    classes : ndarray of shape (n_clips, n_classes) or None
        1 for the classes of a clip, 0 for others: each class is split in the same way.
    """

    n_samples: np.ndarray
    length: int
    batch_size: int
    validation_fraction: float
    seed: int
    world_size: int = 1
    groups: np.ndarray | None = None
    classes: np.ndarray | None = None

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows for training and for validation, each in ascending order."""
        return np.flatnonzero(~self.held_out), np.flatnonzero(self.held_out)

    @cached_property
    def held_out(self) -> np.ndarray:
        """Which clips are held out for validation, (n_clips,) of bool."""
        groups = np.arange(len(self.n_samples)) if self.groups is None else self.groups
        rng = self._generator(_SPLIT)
        if self.classes is not None:
            return draw_evenly(self.classes, groups, self.validation_fraction, rng)
        names = np.unique(groups)
        n_validation = round(self.validation_fraction * len(names))
        return np.isin(groups, rng.permutation(names)[:n_validation])

    def training(self, epoch: int) -> list[Piece]:
        """The batches of an epoch: random order, random pieces.

        All have the same size. The few clips that this leaves over differ from epoch to epoch.
        """
        rows, _ = self.split()
        rng = self._generator(_ORDER, epoch)
        order = rng.permutation(rows)
        room = np.maximum(self.n_samples[order] - self.length, 0)
        starts = (rng.random(len(order)) * (room + 1)).astype(np.int64)
        return self._cut(order, starts)

    def validation(self) -> list[Piece]:
        """The batches of validation: the middle of each clip."""
        _, rows = self.split()
        return self._cut(rows, np.maximum(self.n_samples[rows] - self.length, 0) // 2)

    def _cut(self, rows: np.ndarray, starts: np.ndarray) -> list[Piece]:
        """Cut clips into batches of one size, which all processes share equally.

        A batch has at least two clips, for a single clip has nothing to be contrasted with.
        """
        least = max(2, self.world_size)
        n_batches = min(-(-len(rows) // self.batch_size), len(rows) // least)
        if n_batches == 0:
            return []
        size = min(len(rows) // n_batches, max(self.batch_size, least))
        size = size // self.world_size * self.world_size
        cuts = (slice(first, first + size) for first in range(0, n_batches * size, size))
        return [Piece(rows[cut], starts[cut]) for cut in cuts]

    def share(self, piece: Piece, rank: int) -> Piece:
        """The part of a batch that one of the processes computes."""
        own = slice(
            rank * len(piece.rows) // self.world_size,
            (rank + 1) * len(piece.rows) // self.world_size,
        )
        return Piece(piece.rows[own], piece.starts[own])

    def step_seeds(self, epoch: int, step: int, rank: int) -> tuple[int, int]:
        """Seeds of what is drawn in one step: of dropout, and of augmentation."""
        numbers = self._sequence(_STEP, epoch, step, rank).generate_state(2, np.uint64)
        return int(numbers[0] >> 1), int(numbers[1] >> 1)

    def _generator(self, *key: int) -> np.random.Generator:
        return np.random.default_rng(self._sequence(*key))

    def _sequence(self, *key: int) -> np.random.SeedSequence:
        return np.random.SeedSequence([self.seed, *key])
