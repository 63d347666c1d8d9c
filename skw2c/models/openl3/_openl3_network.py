"""The two networks of OpenL3, of sound and of images, which differ little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d, max_pool2d

from .._convolution import fold

_WIDTHS = (64, 64, 128, 128, 256, 256, 512, 512)
_POOLED = (1, 3, 5)
_EPSILON = 1e-3  # of Keras
CHANNELS = {"audio": 1, "image": 3}
# The network of images rectifies its second map before it is normalised, not after.
_RECTIFIED_FIRST = {"audio": (), "image": (1,)}


class OpenL3Network(nn.Module):
    """One of the two networks of "Look, listen, and learn more" (Cramer et al., 2019).

    Eight convolutions of 3 x 3, three poolings of 2 x 2. The last convolution has neither
    normalisation nor rectifier: the maxima of its map are the embedding, and have a sign.

    Parameters
    ----------
    side : {"audio", "image"}
        Which of the two.
    widths : sequence of 8 int
        Channels that each convolution gives.

    Attributes
    ----------
    width : int
        Channels of the last map.
    """

    def __init__(self, side: str, widths: Sequence[int] = _WIDTHS):
        super().__init__()
        channels = (CHANNELS[side], *widths)
        self.width = channels[-1]
        self.rectified_first = _RECTIFIED_FIRST[side]
        self.norms = nn.ModuleList(nn.BatchNorm2d(width, _EPSILON) for width in channels[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, rows, columns) to (batch, width, rows / 8, columns / 8)."""
        x = self.norms[0](x)
        for k, (convolution, norm) in enumerate(
            zip(self.convolutions[:-1], self.norms[1:], strict=True)
        ):
            x = convolution(x)
            x = norm(x.relu()) if k in self.rectified_first else norm(x).relu()
            if k in _POOLED:
                x = max_pool2d(x, 2)
        return self.convolutions[-1](x)


def random_openl3(side: str, seed: int) -> OpenL3Network:
    """Draw an untrained network of full size, the same for the same seed, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = OpenL3Network(side).float().eval()
        convolutions: list[Any] = list(network.convolutions)
        for convolution in convolutions:
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            nn.init.zeros_(convolution.bias)
    return network.requires_grad_(False)


class FoldedOpenL3:
    """The network as it runs when nothing is trained: normalisation folded, steps fused.

    Parameters
    ----------
    network : OpenL3Network
        In eval mode; it stays as it is.
    device : torch.device
        Where it runs.
    fused : bool, default=True
        Whether to use the operations of oneDNN, where they are.

    Attributes
    ----------
    width : int
        Channels of the last map.
    """

    def __init__(self, network: OpenL3Network, device: torch.device, *, fused: bool = True):
        self.width = network.width
        # A normalisation before a convolution cannot be folded into it: the zeros around
        # the map are not normalised.
        self._steps: list[Callable[[Tensor], Tensor]] = [_Affine(network.norms[0], device)]
        norms: list[Any] = [*network.norms[1:], None]
        convolutions: list[Any] = list(network.convolutions)
        for k, (convolution, norm) in enumerate(zip(convolutions, norms, strict=True)):
            activation = "none" if norm is None else "relu"
            folded = None if k in network.rectified_first else norm
            self._steps.append(fold(convolution, folded, activation, device, fused=fused))
            if k in network.rectified_first:
                self._steps.append(_Affine(norm, device))
            if k in _POOLED:
                self._steps.append(_pool)

    def __call__(self, x: Tensor) -> Tensor:
        """Map (batch, channels, rows, columns) to (batch, width, rows / 8, columns / 8)."""
        x = x.contiguous(memory_format=torch.channels_last)
        for step in self._steps:
            x = step(x)
        return x


class _Affine:
    """A batch normalisation that stands by itself: one factor, one summand per channel."""

    def __init__(self, norm: Any, device: torch.device):
        factor = norm.weight.detach() / (norm.running_var + norm.eps).sqrt()
        summand = norm.bias.detach() - norm.running_mean * factor
        self._factor, self._summand = (
            vector[:, None, None].to(device) for vector in (factor, summand)
        )

    def __call__(self, x: Tensor) -> Tensor:
        return torch.addcmul(self._summand, x, self._factor)


def _pool(x: Tensor) -> Tensor:
    return max_pool2d(x, 2)


def read_out(maps: Tensor, grid: tuple[int, int]) -> Tensor:
    """Maxima of a map's cells, (batch, width, rows, columns) to (batch, cells * width).

    The cells come row by row, each with all its channels, as Keras flattens a map.
    """
    return adaptive_max_pool2d(maps, grid).permute(0, 2, 3, 1).flatten(1)
