"""The parts that VQGAN's encoder and decoder are built of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

_MOST_GROUPS = 32
_LEAST_CHANNELS_PER_GROUP = 4


def make_norm(n_channels: int) -> nn.GroupNorm:
    """Normalisation by groups: 32 from 128 channels on, else groups of four channels."""
    n_groups = max(min(_MOST_GROUPS, n_channels // _LEAST_CHANNELS_PER_GROUP), 1)
    return nn.GroupNorm(n_groups, n_channels, eps=1e-6)


class ResnetBlock(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, n_inputs: int, n_outputs: int):
        super().__init__()
        self.norm1 = make_norm(n_inputs)
        self.conv1 = nn.Conv2d(n_inputs, n_outputs, 3, padding=1)
        self.norm2 = make_norm(n_outputs)
        self.conv2 = nn.Conv2d(n_outputs, n_outputs, 3, padding=1)
        if n_inputs != n_outputs:
            self.nin_shortcut = nn.Conv2d(n_inputs, n_outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(functional.silu(self.norm1(x)))
        y = self.conv2(functional.silu(self.norm2(y)))
        return y + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


class AttnBlock(nn.Module):
    """Attention of each place to all others, with one head."""

    def __init__(self, n_channels: int):
        super().__init__()
        self.norm = make_norm(n_channels)
        self.q = nn.Conv2d(n_channels, n_channels, 1)
        self.k = nn.Conv2d(n_channels, n_channels, 1)
        self.v = nn.Conv2d(n_channels, n_channels, 1)
        self.proj_out = nn.Conv2d(n_channels, n_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        q, k, v = (of(y).flatten(2).transpose(1, 2) for of in (self.q, self.k, self.v))
        y = functional.scaled_dot_product_attention(q, k, v)
        return x + self.proj_out(y.transpose(1, 2).reshape(x.shape))


class Downsample(nn.Module):
    """Half the height and width."""

    def __init__(self, n_channels: int):
        super().__init__()
        self.conv = nn.Conv2d(n_channels, n_channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(functional.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Twice the height and width."""

    def __init__(self, n_channels: int):
        super().__init__()
        self.conv = nn.Conv2d(n_channels, n_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))


class Middle(nn.Module):
    """What stands at the lowest resolution, in encoder and decoder."""

    def __init__(self, n_channels: int):
        super().__init__()
        self.block_1 = ResnetBlock(n_channels, n_channels)
        self.attn_1 = AttnBlock(n_channels)
        self.block_2 = ResnetBlock(n_channels, n_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class Level(nn.Module):
    """The blocks of one resolution, and the step to the next.

    Parameters
    ----------
    widths : sequence of int
        Channels before the first block and after each.
    attention : bool
        Whether attention follows each block.
    """

    def __init__(self, widths: Sequence[int], attention: bool):
        super().__init__()
        self.block = nn.ModuleList(ResnetBlock(*pair) for pair in pairwise(widths))
        self.attn = nn.ModuleList(AttnBlock(width) for width in widths[1:] if attention)

    def forward(self, x: Tensor) -> Tensor:
        for number, block in enumerate(self.block):
            x = block(x)
            if self.attn:
                x = self.attn[number](x)
        for name in ("downsample", "upsample"):
            if hasattr(self, name):
                x = getattr(self, name)(x)
        return x


def quantize(z: Tensor, codebook: Tensor) -> Tensor:
    """Number of the nearest code at each place.

    Parameters
    ----------
    z : Tensor of shape (batch, channels, rows, columns)
    codebook : Tensor of shape (n_codes, channels)

    Returns
    -------
    Tensor of shape (batch, rows, columns), int64
    """
    places = z.movedim(1, -1).flatten(0, -2)
    distances = codebook.square().sum(1) - 2 * places @ codebook.T
    return torch.argmin(distances, 1).reshape(z.shape[0], *z.shape[2:])
