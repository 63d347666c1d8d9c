"""EfficientAT's network as it runs when nothing is trained: folded and fused."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import hardswish, linear

from .._convolution import fold, fold_pointwise
from ._efficientat_network import (
    MIDDLE,
    ConcurrentExcitation,
    ConvolutionNorm,
    EfficientAT,
    EfficientATBody,
    InvertedBottleneck,
)


class FoldedBody:
    """An EfficientAT without its classifier, the batch normalisations folded into convolutions.

    Parameters
    ----------
    network : EfficientATBody
        The network in eval mode; it stays as it is.
    device : torch.device
        Where it runs.
    fused : bool, default=True
        Whether to use the operations of oneDNN, where they are, and matrix products.
    """

    def __init__(self, network: EfficientATBody, device: torch.device, *, fused: bool = True):
        parts: list[Any] = list(network.features)
        stem, *blocks, last = parts
        self._stem = _fold(stem, device, fused)
        self._blocks = [_FoldedBottleneck(block, device, fused) for block in blocks]
        self._last = _fold(last, device, fused)

    def embed(self, x: Tensor) -> Tensor:
        """Map log-mel spectrograms (batch, 128, columns) to embeddings, on the CPU."""
        x = self._start(x)
        for block in self._blocks:
            x = block(x)
        return _average(self._last(x)).cpu()

    def middle_means(self, x: Tensor) -> Tensor:
        """Means of the 128 bands over time, then of the maps of the four middle blocks."""
        means, x = [x.mean(2)], self._start(x)
        for number, block in enumerate(self._blocks[: MIDDLE[-1]], 1):
            x = block(x)
            if number in MIDDLE:
                means.append(_average(x))
        return torch.cat(means, 1).cpu()

    def _start(self, x: Tensor) -> Tensor:
        return self._stem(x[:, None].contiguous(memory_format=torch.channels_last))


class FoldedEfficientAT(FoldedBody):
    """An EfficientAT whose batch normalisations are folded into its convolutions.

    Parameters are those of `FoldedBody`, of a network with its classifier.
    """

    def __init__(self, network: EfficientAT, device: torch.device, *, fused: bool = True):
        super().__init__(network, device, fused=fused)
        # In double precision, because matrix products in single precision differ in the last bit
        # with the number of rows. There are few numbers by now.
        layers = (layer for layer in network.classifier if isinstance(layer, nn.Linear))
        self._classifier = [(layer.weight.double(), layer.bias.double()) for layer in layers]

    def score(self, x: Tensor) -> Tensor:
        """Map log-mel spectrograms to scores (batch, 527) from 0 to 1, on the CPU."""
        (first, first_bias), (second, second_bias) = self._classifier
        hidden = hardswish(linear(self.embed(x).double(), first, first_bias))
        return torch.sigmoid(linear(hidden, second, second_bias)).float()


class _FoldedBottleneck:
    """Convolutions of a block, and what weights its channels between them."""

    def __init__(self, block: InvertedBottleneck, device: torch.device, fused: bool):
        parts: list[Any] = list(block.block)
        *before, project = parts
        self._before = [
            _Excitation(part, device)
            if isinstance(part, ConcurrentExcitation)
            else _fold(part, device, fused)
            for part in before
        ]
        self._project = _fold(project, device, fused)
        self._has_shortcut = block.has_shortcut

    def __call__(self, x: Tensor) -> Tensor:
        y = x
        for part in self._before:
            y = part(y)
        return self._project(y, x if self._has_shortcut else None)


class _Excitation:
    """Weights of the channels, multiplied into the map that they are computed from."""

    def __init__(self, excitation: ConcurrentExcitation, device: torch.device):
        layers: list[Any] = list(excitation.conc_se_layers)
        [layer] = layers
        self._layers = [
            (part.weight.detach().to(device), part.bias.detach().to(device))
            for part in (layer.fc1, layer.fc2)
        ]

    def __call__(self, x: Tensor) -> Tensor:
        squeeze, excite = self._layers
        weights = linear(linear(_average(x), *squeeze).relu_(), *excite).sigmoid_()
        return x.mul_(weights[:, :, None, None])


def _average(x: Tensor) -> Tensor:
    return x.mean((2, 3))


def _fold(part: ConvolutionNorm, device: torch.device, fused: bool):
    parts: list[Any] = list(part)
    convolution, norm, *activation = parts
    name = _NAMES[type(activation[0])] if activation else "none"
    if fused and convolution.kernel_size == (1, 1):
        return fold_pointwise(convolution, norm, name, device)
    return fold(convolution, norm, name, device, fused=fused)


_NAMES = {nn.ReLU: "relu", nn.Hardswish: "hardswish"}
