"""The residual network as it runs when nothing is trained: folded and fused."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from .._convolution import fold
from ._resnet import ResNet

_STEM_COLUMNS = 256
"""Columns of all inputs together that the first layer computes at once."""


class FoldedResNet:
    """A ResNet whose batch normalisation is folded into its convolutions.

    Maps are kept with time down and frequency across: the kernels of oneDNN work along
    rows, and the rows of one second of sound are very short the other way round. This
    halves the time of the last layers for frames of one second.

    Parameters
    ----------
    resnet : ResNet
        The network in eval mode; it stays as it is.
    device : torch.device
        Where it runs.
    fused : bool
        Whether to use the operations of oneDNN, where they are.
    """

    def __init__(self, resnet: ResNet, device: torch.device, fused: bool = True):
        def fold_transposed(conv: nn.Conv2d, norm: nn.BatchNorm2d, activation: str = "relu"):
            conv = copy.deepcopy(conv)
            conv.weight = nn.Parameter(conv.weight.transpose(2, 3))
            return fold(conv, norm, activation, device, fused=fused)

        self._stem = fold_transposed(resnet.conv1, resnet.bn1)
        self._pool = resnet.maxpool
        self._blocks = [
            (
                fold_transposed(block.conv1, block.bn1),
                fold_transposed(block.conv2, block.bn2),
                block.downsample
                and fold_transposed(block.downsample[0], block.downsample[1], "none"),
            )
            for stage in resnet.stages()
            for block in stage
        ]

    def __call__(self, x: Tensor) -> Tensor:
        """Map (batch, 1, bins, columns) to (batch, features, bins / 32, columns / 32)."""
        x = x.transpose(2, 3).contiguous(memory_format=torch.channels_last)
        # The map before the pooling is four times as large as any other.
        parts = x.split(max(_STEM_COLUMNS // x.shape[2], 1))
        x = torch.cat([self.reduce(part) for part in parts])
        return self.extract(x).transpose(2, 3)

    def reduce(self, x: Tensor) -> Tensor:
        """The first convolution and the pooling; all maps with time down."""
        return self._pool(self._stem(x))

    def extract(self, x: Tensor) -> Tensor:
        """The four stages; all maps with time down."""
        for first, second, downsample in self._blocks:
            shortcut = x if downsample is None else downsample(x)
            x = second(first(x), shortcut)
        return x
