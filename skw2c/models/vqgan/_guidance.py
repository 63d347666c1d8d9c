"""Change the latents of an image until CLIP finds in it what the prompts describe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional

from ..clip._frozen_clip import FrozenCLIP
from ._frozen_vqgan import FrozenVQGAN
from ._pixels import Cutouts

_LARGEST_SINE = 1 - 1e-6
"""Beyond it, the gradient of the angle between opposite vectors is infinite."""


@dataclass(frozen=True)
class Guidance:
    """How an image is changed.

    Attributes
    ----------
    learning_rate : float
        Of Adam.
    n_cutouts : int
        Copies of the image that CLIP sees in each iteration.
    augment : tuple of str
        What is done to them.
    noise : float
        Largest standard deviation of the noise that is added to them.
    seed : int
        Determines all that is drawn.
    """

    learning_rate: float
    n_cutouts: int
    augment: tuple[str, ...]
    noise: float
    seed: int


class GuidedGenerator:
    """Generate the image that prompts describe, with VQGAN guided by CLIP.

    Parameters
    ----------
    vqgan : FrozenVQGAN
        Generates.
    clip : FrozenCLIP
        Compares images with the prompts.
    guidance : Guidance
        How.
    """

    def __init__(self, vqgan: FrozenVQGAN, clip: FrozenCLIP, guidance: Guidance):
        self._vqgan = vqgan
        self._clip = clip
        self._guidance = guidance

    def generate(
        self,
        latents: Tensor,
        vectors: ArrayLike,
        weights: ArrayLike,
        n_iter: int,
        watch: Callable[[int, Tensor], None],
    ) -> Tensor:
        """Take so many steps from the latents towards the prompts.

        Every call draws the same random numbers, so that an image depends on nothing but its own
        prompts and start.

        Parameters
        ----------
        latents : Tensor of shape (1, code_width, rows, columns)
            Where to start; it stays as it is.
        vectors : array-like of shape (n_prompts, width)
            What to generate, in CLIP's space.
        weights : sequence of float
            How much each prompt counts; a negative one is kept away from.
        n_iter : int
            Number of steps.
        watch : callable
            Called with the number of the step, from 1, and the latents after it.

        Returns
        -------
        Tensor of shape (1, code_width, rows, columns)
        """
        how = self._guidance
        device = latents.device
        prompts = torch.as_tensor(vectors, dtype=torch.float32).to(device)
        shares = torch.as_tensor(weights, dtype=torch.float32).to(device)
        cutouts = Cutouts(
            self._clip.image_size, how.n_cutouts, how.augment, how.noise, how.seed, device
        )
        latents = latents.detach().clone().requires_grad_()
        optimizer = torch.optim.Adam([latents], lr=how.learning_rate)
        for step in range(1, n_iter + 1):
            seen = self._clip.encode_pixels(cutouts(self._vqgan.render(latents)))
            loss = (spherical_distance(seen[:, None], prompts).mean(0) * shares).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                latents.clamp_(self._vqgan.lowest, self._vqgan.highest)
            watch(step, latents.detach())
        return latents.detach()


def spherical_distance(x: Tensor, y: Tensor) -> Tensor:
    """Half the square of the angle between vectors along the last axis."""
    # The angle from the chord, by the arcsine: the arccosine of a cosine has no finite gradient
    # where two vectors agree.
    gap = functional.normalize(x, dim=-1) - functional.normalize(y, dim=-1)
    sine = (gap.norm(dim=-1) / 2).clamp(max=_LARGEST_SINE)
    return 2 * sine.arcsin().square()
