"""Train a VQGAN to give back a few thousand small pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from ..models.vqgan import VQGAN, VQGANConfiguration
from ..system._progress import progress_bar

_COMMITMENT = 0.25
"""Weight of the distance from latents to their codes, as in the paper."""

_SLOWLY = 0.98
"""Share of the former mean that a code keeps in each step."""

_RARE = 0.05
"""A code with fewer latents than this, on average, is drawn anew from those there are."""


@dataclass(frozen=True)
class Recipe:
    """How a small VQGAN is trained.

    Attributes
    ----------
    max_epochs : int
        How often each picture is seen.
    batch_size : int
        Pictures of a step.
    seed : int
        Of the first weights, and of all that is drawn in training.
    learning_rate : float
        The highest.
    """

    max_epochs: int
    batch_size: int
    seed: int
    learning_rate: float = 2e-3


def train_to_reconstruct(
    configuration: VQGANConfiguration, pictures: np.ndarray, recipe: Recipe, verbose
) -> dict[str, Tensor]:
    """Train a VQGAN from scratch.

    Parameters
    ----------
    configuration : VQGANConfiguration
        Its sizes.
    pictures : ndarray of shape (n, size, size, 3), uint8
    recipe : Recipe
    verbose : bool
        Whether to show progress.

    Returns
    -------
    dict of str to Tensor
        The weights.
    """
    # The model is so small that threads would mostly wait for each other.
    with torch.random.fork_rng(devices=[]), threadpool_limits(1, user_api="openmp"):
        torch.manual_seed(recipe.seed)
        network = VQGAN(configuration).to(memory_format=torch.channels_last)
        _train(network, torch.from_numpy(pictures), recipe, verbose)
    return {name: value.contiguous() for name, value in network.state_dict().items()}


def _train(network: VQGAN, pictures: Tensor, recipe: Recipe, verbose) -> None:
    rng = np.random.default_rng(recipe.seed)
    n_batches = max(len(pictures) // recipe.batch_size, 1)
    n_steps = recipe.max_epochs * n_batches
    codes = _Codes(network.quantize.embedding.weight)
    weights = [value for name, value in network.named_parameters() if "embedding" not in name]
    optimizer = torch.optim.AdamW(weights, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=n_steps + 1, pct_start=0.1
    )
    with progress_bar(n_steps, unit="batch", desc="small VQGAN", verbose=verbose) as bar:
        for _ in range(recipe.max_epochs):
            for rows in np.array_split(rng.permutation(len(pictures)), n_batches):
                loss = _step(network, codes, _read(pictures[rows]))
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(weights, 1.0)
                optimizer.step()
                schedule.step()
                bar.update()


def _read(pictures: Tensor) -> Tensor:
    """Pictures in [-1, 1], half of them mirrored."""
    pixels = pictures.permute(0, 3, 1, 2) / 127.5 - 1
    mirrored = torch.rand(len(pixels), 1, 1, 1) < 0.5
    pixels = torch.where(mirrored, pixels.flip(3), pixels)
    return pixels.contiguous(memory_format=torch.channels_last)


def _step(network: VQGAN, codes: _Codes, pixels: Tensor) -> Tensor:
    latents = network.encode(pixels)
    codes.follow(latents.detach())
    nearest = network.quantize(latents)
    again = network.decode(nearest)
    commitment = (latents - nearest.detach()).square().mean()
    error = again - pixels
    return error.abs().mean() + error.square().mean() + _COMMITMENT * commitment


class _Codes:
    """Codes that follow the latents: each is the mean, over time, of those nearest to it.

    Parameters
    ----------
    codebook : Parameter of shape (n_codes, width)
        The codes, which are changed in place.
    """

    def __init__(self, codebook: nn.Parameter):
        self._codebook = codebook.requires_grad_(False)
        self._counts: Tensor | None = None
        self._sums = codebook.detach().clone()

    def follow(self, latents: Tensor) -> None:
        """Take note of latents (batch, width, rows, columns)."""
        places = latents.movedim(1, -1).flatten(0, -2)
        if self._counts is None:
            self._counts = torch.ones(len(self._codebook))
            self._renew(torch.ones(len(self._codebook), dtype=torch.bool), places)
        distances = self._codebook.square().sum(1) - 2 * places @ self._codebook.T
        nearest = distances.argmin(1)
        counts = torch.bincount(nearest, minlength=len(self._codebook)).float()
        sums = torch.zeros_like(self._sums).index_add_(0, nearest, places)
        self._counts.lerp_(counts, 1 - _SLOWLY)
        self._sums.lerp_(sums, 1 - _SLOWLY)
        self._codebook.copy_(self._sums / self._counts[:, None])
        self._renew(self._counts < _RARE, places)

    def _renew(self, rare: Tensor, places: Tensor) -> None:
        chosen = places[torch.randint(len(places), (int(rare.sum()),))]
        self._codebook[rare] = chosen
        self._sums[rare] = chosen
        self._counts[rare] = 1.0
