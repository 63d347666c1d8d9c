"""The network of inverted bottlenecks as it runs when nothing is trained: folded and fused."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from .._convolution import fold, fold_pointwise
from ._mobilenet import ConvolutionNorm, MobileNet

_FEW_COLUMNS = 16


class FoldedMobileNet:
    """A MobileNet whose batch normalisation is folded into its convolutions.

    Maps are kept with time down and frequency across, as in `FoldedResNet`.

    Parameters
    ----------
    network : MobileNet
        The network in eval mode; it stays as it is.
    device : torch.device
        Where it runs.
    fused : bool
        Whether convolutions of 1 x 1 may become matrix products. For maps as small and as
        different in size as these, torch's own convolutions are quicker than the packed ones of
        oneDNN that `FoldedResNet` uses.
    """

    def __init__(self, network: MobileNet, device: torch.device, fused: bool = True):
        def fold_transposed(pair: ConvolutionNorm, activation: str = "relu"):
            parts: list[Any] = list(pair)
            convolution, norm = copy.deepcopy(parts[0]), parts[1]
            convolution.weight = nn.Parameter(convolution.weight.transpose(2, 3).contiguous())
            convolution.stride = convolution.stride[::-1]
            if fused and convolution.kernel_size == (1, 1):
                return fold_pointwise(convolution, norm, activation, device)
            return fold(convolution, norm, activation, device, fused=False)

        def fold_block(block: Any):
            return (
                fold_transposed(block.expand),
                block.depthwise and fold_transposed(block.depthwise),
                fold_transposed(block.project, "none"),
                block.has_shortcut,
            )

        # In double precision, because matrix products in single precision differ in the last
        # bit with the number of rows. MPS has no other.
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self._bands = network.bands.to(device, dtype).T.contiguous()
        self._stem = fold_transposed(network.stem)
        self._blocks = [fold_block(block) for block in network.blocks]
        self._last = fold_transposed(network.last)

    def __call__(self, x: Tensor) -> Tensor:
        """Map (batch, 1, 257, columns) to (batch, features, 2, columns / 16).

        On a CPU the last bit of its matrix products differs with the number of rows. The mean of
        many columns hardly shows it; of a few, each input is computed alone.
        """
        if x.device.type == "cpu" and x.shape[3] <= _FEW_COLUMNS and len(x) > 1:
            return torch.cat([self(one) for one in x.split(1)])
        return self.extract(self.reduce(x.transpose(2, 3))).transpose(2, 3)

    def reduce(self, x: Tensor) -> Tensor:
        """Average in bands, and the first convolution; all maps with time down."""
        bands = (x.to(self._bands.dtype) @ self._bands).float()
        return self._stem(bands.contiguous(memory_format=torch.channels_last))

    def extract(self, x: Tensor) -> Tensor:
        """All further convolutions; all maps with time down."""
        for expand, depthwise, project, has_shortcut in self._blocks:
            y = expand(x)
            if depthwise is not None:
                y = depthwise(y)
            x = project(y, x) if has_shortcut else project(y)
        return self._last(x)
