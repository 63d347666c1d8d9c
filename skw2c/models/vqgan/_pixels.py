"""From the images of VQGAN to what CLIP sees: clamped, cut out, augmented."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...system._optional import import_optional

AUGMENTATIONS = ("affine", "perspective", "jitter", "erasing")
"""What can be done to the copies of an image, in the order of the original program."""

_SHARE = 0.7
"""Share of the copies that each augmentation changes."""


class ClampWithGradient(torch.autograd.Function):
    """Clamp to [0, 1]; the gradient passes where it leads back into the range."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        clamped = x.clamp(0, 1)
        ctx.save_for_backward(x - clamped)
        return clamped

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (excess,) = ctx.saved_tensors
        return gradient * (gradient * excess >= 0)


class Cutouts:
    """Make copies of an image as CLIP sees it, each changed at random.

    Parameters
    ----------
    size : (int, int)
        Height and width that CLIP takes.
    n_cutouts : int
        Number of copies.
    augment : sequence of str
        Out of `AUGMENTATIONS`.
    noise : float
        Largest standard deviation of the noise that is added to a copy.
    seed : int
        Determines all that is drawn.
    device : torch.device
        Where the images are.

    Raises
    ------
    OptionalDependencyError
        If there is something to augment with, and kornia is not installed.
    """

    def __init__(
        self,
        size: tuple[int, int],
        n_cutouts: int,
        augment: Sequence[str],
        noise: float,
        seed: int,
        device: torch.device,
    ):
        self._size = size
        self._n_cutouts = n_cutouts
        self._noise = noise
        self._augmentation = _make_augmentation(augment) if len(augment) else None
        self._seeds = torch.Generator().manual_seed(seed)
        self._generator = torch.Generator(device).manual_seed(seed)

    def __call__(self, image: Tensor) -> Tensor:
        """Turn (1, 3, height, width) into (n_cutouts, 3, *size), all in about [0, 1]."""
        mean = functional.adaptive_avg_pool2d(image, self._size)
        largest = functional.adaptive_max_pool2d(image, self._size)
        copies = ((mean + largest) / 2).expand(self._n_cutouts, -1, -1, -1)
        if self._augmentation is not None:
            copies = self._augment(self._augmentation, copies)
        if self._noise:
            copies = copies + self._draw_noise(copies)
        return copies

    def _augment(self, change: Callable[[Tensor], Tensor], copies: Tensor) -> Tensor:
        # kornia draws from torch's own generator, on the CPU, whatever else draws from it.
        seed = int(torch.randint(2**62, (), generator=self._seeds))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return change(copies)

    def _draw_noise(self, copies: Tensor) -> Tensor:
        generator, device = self._generator, copies.device
        shape = (len(copies), 1, 1, 1)
        amounts = torch.rand(shape, generator=generator, device=device) * self._noise
        return amounts * torch.randn(copies.shape, generator=generator, device=device)


def _make_augmentation(augment: Sequence[str]) -> Callable[[Tensor], Tensor]:
    kornia = import_optional(
        "kornia.augmentation", extra="generate", purpose="Augmenting images (augment=)"
    )
    known = {
        "affine": lambda: kornia.RandomAffine(
            15, translate=(0.1, 0.1), shear=5, p=_SHARE, padding_mode="zeros", keepdim=True
        ),
        "perspective": lambda: kornia.RandomPerspective(0.7, p=_SHARE),
        "jitter": lambda: kornia.ColorJitter(0.1, 0.1, 0.1, 0.1, p=_SHARE),
        "erasing": lambda: kornia.RandomErasing(
            (0.1, 0.4), (0.3, 1 / 0.3), same_on_batch=True, p=_SHARE
        ),
    }
    return nn.Sequential(*[known[name]() for name in augment])
