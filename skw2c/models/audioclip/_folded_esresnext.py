"""The audio encoder of AudioCLIP as it runs when nothing is trained: folded and fused."""

from __future__ import annotations

import copy
from functools import partial

import torch
from torch import Tensor, nn

from .._convolution import fold
from ._attention import Attention2d, halve, halve_any
from ._esresnext import Bottleneck, ESResNeXtFBSP


class FoldedESResNeXt:
    """The feature map of an `ESResNeXtFBSP`, its batch normalisation folded into convolutions.

    Maps are kept with time down and frequency across: the kernels of oneDNN work along rows,
    and the rows of a second of sound are very short the other way round.

    Parameters
    ----------
    network : ESResNeXtFBSP
        The network in eval mode; it stays as it is.
    device : torch.device
        Where it runs.
    fused : bool, default=True
        Whether to use the operations of oneDNN, where they are.
    """

    def __init__(self, network: ESResNeXtFBSP, device: torch.device, fused: bool = True):
        make = partial(_fold_turned, device=device, fused=fused)
        self._stem = make(network.conv1, network.bn1, "relu")
        self._pool = network.maxpool
        self._stages = [
            ([_FoldedBottleneck(block, make) for block in layers], _FoldedAttention(gate, make))
            for layers, gate in network.stages()
        ]

    def __call__(self, x: Tensor, n_columns: int | None = None) -> Tensor:
        """Map (batch, 3, bins, columns) to (batch, features, columns / 32, bins / 32).

        Parameters
        ----------
        x : Tensor of shape (batch, 3, bins, columns)
            Spectrograms in dB, or parts of them that start at multiples of 32 columns and,
            but for the last one, have a multiple of 32 columns.
        n_columns : int or None
            Columns of the whole spectrogram. None means that x is whole.
        """
        n_rows = _halve_length(_halve_length(n_columns or x.shape[3]))
        x = x.transpose(2, 3).contiguous(memory_format=torch.channels_last)
        x = torch.cat([self._pool(self._stem(clip)) for clip in x.split(1)])
        for stage, (blocks, attention) in enumerate(self._stages):
            if stage == 0:
                weights = attention(x)
            else:
                weights = attention(halve(x, (n_rows % 2, x.shape[3] % 2)))
                n_rows = _halve_length(n_rows)
            for block in blocks:
                x = block(x)
            x = x.mul_(weights)
        return x

    def map_at_once(self, x: Tensor) -> Tensor:
        """Map whole spectrograms, in operations that a graph can hold."""
        x = self._pool(self._stem(x.transpose(2, 3)))
        for stage, (blocks, attention) in enumerate(self._stages):
            weights = attention(x if stage == 0 else halve_any(x))
            for block in blocks:
                x = block(x)
            x = x * weights
        return x


class _FoldedBottleneck:
    def __init__(self, block: Bottleneck, make):
        self._first = make(block.conv1, block.bn1, "relu")
        self._second = make(block.conv2, block.bn2, "relu")
        self._third = make(block.conv3, block.bn3, "relu")
        self._downsample = block.downsample and make(*block.downsample, "none")

    def __call__(self, x: Tensor) -> Tensor:
        shortcut = x if self._downsample is None else self._downsample(x)
        return self._third(self._second(self._first(x)), shortcut)


class _FoldedAttention:
    def __init__(self, attention: Attention2d, make):
        self._depth = make(attention.conv_depth, None, "none")
        self._point = make(attention.conv_point, attention.bn, "none")

    def __call__(self, x: Tensor) -> Tensor:
        return self._point(self._depth(x)).sigmoid_()


def _fold_turned(conv: nn.Conv2d, norm: nn.BatchNorm2d | None, activation: str, **options):
    """Fold a convolution whose maps have time down."""
    conv = copy.deepcopy(conv)
    conv.weight = nn.Parameter(conv.weight.transpose(2, 3).contiguous())
    conv.padding = conv.padding[::-1]
    return fold(conv, norm, activation, **options)


def _halve_length(length: int) -> int:
    return -(-length // 2)
