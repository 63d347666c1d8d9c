"""A frozen VQGAN: latents to images, through which the gradient passes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...weights import WeightsReference
from .._devices import choose_torch_device
from .._network_cache import keep_network
from .._on_device import OnDevice
from ._pixels import ClampWithGradient
from ._vqgan_network import VQGAN, random_vqgan
from ._vqgan_state import build_vqgan


class FrozenVQGAN(OnDevice):
    """Turn latents into images with fixed weights.

    Parameters
    ----------
    network : VQGAN
        In eval mode.
    device : str
        Torch device.

    Attributes
    ----------
    factor : int
        Pixels along one side of a code.
    lowest, highest : Tensor of shape (1, code_width, 1, 1)
        Range of each channel over all codes.
    """

    def __init__(self, network: VQGAN, device: str):
        super().__init__(device)
        self._network = network.to(self._device)
        self.factor = network.configuration.factor
        codes = network.quantize.embedding.weight
        self.lowest, self.highest = (
            bound[None, :, None, None] for bound in (codes.amin(0), codes.amax(0))
        )

    def draw_latents(self, height: int, width: int, seed: int) -> Tensor:
        """Draw codes for an image of so many pixels, as (1, code_width, rows, columns)."""
        n_codes = self._network.configuration.n_codes
        shape = (1, height // self.factor, width // self.factor)
        codes = torch.randint(n_codes, shape, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            return self._network.quantize.look_up(codes.to(self._device))

    def encode(self, image: np.ndarray) -> Tensor:
        """Latents (1, code_width, rows, columns) of an image (height, width, 3), uint8."""
        pixels = self._to_device(image).movedim(-1, 0)[None].float() / 127.5 - 1
        with torch.no_grad():
            return self._network.encode(pixels)

    def quantize(self, latents: Tensor) -> Tensor:
        """The nearest codes."""
        with torch.no_grad():
            return self._network.quantize(latents)

    def render(self, latents: Tensor) -> Tensor:
        """Image (1, 3, height, width) in [0, 1] of the nearest codes, with the gradient."""
        return self._finish(self._network.quantize(latents))

    def show(self, latents: Tensor) -> np.ndarray:
        """Image (height, width, 3), uint8, of the nearest codes."""
        return self.show_between(self.quantize(latents))

    def show_between(self, latents: Tensor) -> np.ndarray:
        """Image (height, width, 3), uint8, of codes or of what lies between them."""
        with torch.no_grad():
            pixels = self._finish(latents)[0].movedim(0, -1)
            return (pixels * 255).round().to(torch.uint8).cpu().numpy()

    def _finish(self, latents: Tensor) -> Tensor:
        return ClampWithGradient.apply((self._network.decode(latents) + 1) / 2)


def get_frozen_vqgan(reference: WeightsReference, device: str) -> FrozenVQGAN:
    """Build the VQGAN that ``reference`` names, or take it from those built before.

    Parameters
    ----------
    reference : WeightsReference
        Which weights.
    device : str
        ``"auto"`` or a torch device.

    Raises
    ------
    ValueError
        If torch does not know the device, or has none of that kind.
    WeightsError
        If the weights are not those of a VQGAN.
    """
    device = choose_torch_device(device, "VQGAN")
    return keep_network(("vqgan", reference, device), lambda: _freeze(reference, device))


def _freeze(reference: WeightsReference, device: str) -> FrozenVQGAN:
    if reference.seed is not None:
        return FrozenVQGAN(random_vqgan(reference.seed), device)
    return FrozenVQGAN(build_vqgan(reference.read(), reference.label), device)
