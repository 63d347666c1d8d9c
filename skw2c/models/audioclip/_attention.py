"""The attention of AudioCLIP: each stage is weighted by what went into it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Attention2d(nn.Module):
    """Weights in [0, 1] for a map, by a separable convolution of another.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    kernel_size : (int, int)
        Bins and columns of the first convolution.
    """

    def __init__(self, n_in: int, n_out: int, kernel_size: tuple[int, int]):
        super().__init__()
        padding = (kernel_size[0] // 2, kernel_size[1] // 2)
        self.conv_depth = nn.Conv2d(n_in, n_in, kernel_size, padding=padding, groups=n_in)
        self.conv_point = nn.Conv2d(n_in, n_out, 1)
        self.bn = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, n_in, bins, columns) to (batch, n_out, bins, columns)."""
        return self.bn(self.conv_point(self.conv_depth(x))).sigmoid()


def halve(x: Tensor, odd: tuple[int, int] | None = None) -> Tensor:
    """Pool a map to half its rows and columns, rounded up, as adaptive pooling does.

    From 2 n to n, adaptive maximum pooling takes windows of two; from 2 n - 1 to n, windows
    of three that overlap.

    Parameters
    ----------
    x : Tensor of shape (batch, channels, rows, columns)
    odd : (int, int) or None
        1 where the map has an odd number of rows, or of columns, and 0 elsewhere. None looks at
        x, which is wrong where x is a part of the map.
    """
    odd = (x.shape[2] % 2, x.shape[3] % 2) if odd is None else odd
    return functional.max_pool2d(x, [2 + odd[0], 2 + odd[1]], 2, [odd[0], odd[1]])


def halve_any(x: Tensor) -> Tensor:
    """What `halve` gives of a whole map, in operations that a graph can hold."""
    for axis in (2, 3):
        length = x.shape[axis]
        first = 2 * torch.arange((length + 1) // 2)
        second = (first + 1).clamp_max(length - 1)
        before = (first - length % 2).clamp_min(0)
        parts = [x.index_select(axis, places) for places in (first, second, before)]
        x = torch.maximum(torch.maximum(parts[0], parts[1]), parts[2])
    return x
