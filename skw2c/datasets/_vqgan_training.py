"""Train a VQGAN to reconstruct a few thousand small images."""

from __future__ import annotations

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from ..models.vqgan import VQGAN, VQGANConfiguration
from ..system._progress import progress_bar
from ._small_recipe import Recipe

_COMMITMENT_WEIGHT = 0.25
"""Weight of the commitment loss, the distance from latents to their codes; as in the paper."""

_DECAY = 0.98
"""Decay of the moving average of the latents of a code, per step."""

_RARELY_USED = 0.05
"""A code with fewer latents per step than this, on average, is replaced by a random latent."""


def train_to_reconstruct(
    configuration: VQGANConfiguration, images: np.ndarray, recipe: Recipe, verbose
) -> dict[str, Tensor]:
    """Train a VQGAN from scratch.

    Parameters
    ----------
    configuration : VQGANConfiguration
        The sizes of its layers.
    images : ndarray of shape (n, height, width, 3), uint8
    recipe : Recipe
    verbose : bool
        Whether to show progress.

    Returns
    -------
    dict of str to Tensor
        The state dict.
    """
    # The model is so small that threads would spend most of their time waiting for each other.
    with torch.random.fork_rng(devices=[]), threadpool_limits(1, user_api="openmp"):
        torch.manual_seed(recipe.seed)
        network = VQGAN(configuration).to(memory_format=torch.channels_last)
        _train(network, torch.from_numpy(images), recipe, verbose)
    return {name: value.contiguous() for name, value in network.state_dict().items()}


def _train(network: VQGAN, images: Tensor, recipe: Recipe, verbose) -> None:
    rng = np.random.default_rng(recipe.seed)
    n_batches = max(len(images) // recipe.batch_size, 1)
    n_steps = recipe.max_epochs * n_batches
    codes = _Codes(network.quantize.embedding.weight)
    weights = [value for name, value in network.named_parameters() if "embedding" not in name]
    optimizer = torch.optim.AdamW(weights, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=n_steps + 1, pct_start=0.1
    )
    with progress_bar(n_steps, unit="step", desc="small VQGAN", verbose=verbose) as bar:
        for _ in range(recipe.max_epochs):
            for rows in np.array_split(rng.permutation(len(images)), n_batches):
                loss = _step(network, codes, _read(images[rows]))
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(weights, 1.0)
                optimizer.step()
                schedule.step()
                bar.update()


def _read(images: Tensor) -> Tensor:
    """Return images as pixels in [-1, 1], half of them mirrored at random."""
    pixels = images.permute(0, 3, 1, 2) / 127.5 - 1
    mirrored = torch.rand(len(pixels), 1, 1, 1) < 0.5
    pixels = torch.where(mirrored, pixels.flip(3), pixels)
    return pixels.contiguous(memory_format=torch.channels_last)


def _step(network: VQGAN, codes: _Codes, pixels: Tensor) -> Tensor:
    latents = network.encode(pixels)
    codes.follow(latents.detach())
    nearest = network.quantize(latents)
    error = network.decode(nearest) - pixels
    commitment = (latents - nearest.detach()).square().mean()
    return error.abs().mean() + error.square().mean() + _COMMITMENT_WEIGHT * commitment


class _Codes:
    """Codes as moving averages: each follows the latents that are nearest to it.

    Parameters
    ----------
    codebook : Tensor of shape (n_codes, width)
        The codes, modified in place.
    """

    def __init__(self, codebook: Tensor):
        self._codebook = codebook.requires_grad_(False)
        self._has_begun = False
        self._counts = torch.ones(len(codebook))
        self._sums = codebook.detach().clone()

    def follow(self, latents: Tensor) -> None:
        """Update the codes with the latents (batch, width, rows, columns) of a step."""
        vectors = latents.movedim(1, -1).flatten(0, -2)
        if not self._has_begun:
            self._has_begun = True
            self._replace(torch.ones(len(self._codebook), dtype=torch.bool), vectors)
        # Without the squares of the vectors, which are the same for all codes.
        distances = self._codebook.square().sum(1) - 2 * vectors @ self._codebook.T
        nearest = distances.argmin(1)
        counts = torch.bincount(nearest, minlength=len(self._codebook)).float()
        sums = torch.zeros_like(self._sums).index_add_(0, nearest, vectors)
        self._counts.lerp_(counts, 1 - _DECAY)
        self._sums.lerp_(sums, 1 - _DECAY)
        self._codebook.copy_(self._sums / self._counts[:, None])
        self._replace(self._counts < _RARELY_USED, vectors)

    def _replace(self, rare: Tensor, vectors: Tensor) -> None:
        """Replace some codes by vectors drawn at random."""
        chosen = vectors[torch.randint(len(vectors), (int(rare.sum()),))]
        self._codebook[rare] = chosen
        self._sums[rare] = chosen
        self._counts[rare] = 1.0
