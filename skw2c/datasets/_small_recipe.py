"""How the small models for generated worlds are trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters of the training of a small model.

    Attributes
    ----------
    max_epochs : int
        Number of passes over the images.
    batch_size : int
        Largest number of images in a batch.
    seed : int
        Seed of the initial weights and of all randomness in training.
    learning_rate : float
        The maximal learning rate.
    """

    # Names, order and values of the fields are part of the key of the cache (through repr).
    max_epochs: int
    batch_size: int
    seed: int
    learning_rate: float = 2e-3
