"""The residual network as it runs when nothing is trained: folded and fused."""

from __future__ import annotations

from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ._resnet import ResNet

_STEM_COLUMNS = 256
"""Columns of all inputs together that the first layer computes at once."""


class _TorchConvolution:
    """Convolution, addition and rectifier as three steps; runs on every device."""

    def __init__(self, convolution: nn.Conv2d, rectify: bool, device: torch.device):
        self._convolution = convolution.to(device, memory_format=torch.channels_last)
        self._rectify = rectify

    def __call__(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        y = self._convolution(x)
        if shortcut is not None:
            y += shortcut
        return y.relu_() if self._rectify else y


class _OneDNNConvolution:
    """Convolution, addition and rectifier in one step of oneDNN, with packed weights.

    These are the operations that torch's own compiler emits on a CPU. They are no public
    interface, so they are tried before they are relied on.
    """

    def __init__(self, convolution: nn.Conv2d, rectify: bool, device: torch.device):
        self._geometry = [
            list(convolution.padding),
            list(convolution.stride),
            list(convolution.dilation),
            convolution.groups,
        ]
        self._activation = "relu" if rectify else "none"
        self._bias = convolution.bias
        self._weight = torch.ops.mkldnn._reorder_convolution_weight(
            convolution.weight, *self._geometry, [4, convolution.in_channels, 29, 33]
        )

    def __call__(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        operation = torch.ops.mkldnn._convolution_pointwise
        if shortcut is None:
            return operation(x, self._weight, self._bias, *self._geometry, self._activation, [], "")
        return operation.binary(
            x, shortcut, self._weight, self._bias, *self._geometry, "add", None, "relu", [], ""
        )


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
        fused = fused and _has_onednn_operations(device)
        kind = _OneDNNConvolution if fused else _TorchConvolution

        def fold(conv: nn.Conv2d, norm: nn.BatchNorm2d, rectify: bool = True):
            folded = fuse_conv_bn_eval(conv, norm)
            folded.weight = nn.Parameter(folded.weight.transpose(2, 3))
            folded.requires_grad_(False)
            return kind(folded, rectify, device)

        with torch.no_grad():
            self._stem = fold(resnet.conv1, resnet.bn1)
            self._pool = resnet.maxpool
            self._blocks = [
                (
                    fold(block.conv1, block.bn1),
                    fold(block.conv2, block.bn2),
                    block.downsample and fold(*block.downsample, rectify=False),
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


@cache
@torch.no_grad()
def _has_onednn_operations(device: torch.device) -> bool:
    """Whether the operations of `_OneDNNConvolution` are there and compute what they should."""
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    with torch.random.fork_rng(devices=[]):
        convolution = nn.Conv2d(16, 16, 3, 1, 1).float()
    x = torch.linspace(-1, 1, 2 * 16 * 9 * 8, dtype=torch.float32).reshape(2, 16, 9, 8)
    x = x.contiguous(memory_format=torch.channels_last)
    try:
        results = [
            kind(convolution, True, device)(x, shortcut)
            for kind in (_OneDNNConvolution, _TorchConvolution)
            for shortcut in (None, x)
        ]
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False
    return all(map(partial(torch.allclose, atol=1e-5), results[:2], results[2:]))
