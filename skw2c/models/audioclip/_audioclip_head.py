"""What follows the feature map of AudioCLIP's encoder of sound."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ._esresnext import ESResNeXtFBSP


class Head:
    """The attention to all of a map, and the last layer.

    In double precision, because matrix products in single precision differ in the last bit
    with the number of rows.
    """

    @torch.no_grad()
    def __init__(self, network: ESResNeXtFBSP):
        depth = copy.deepcopy(network.att5.conv_depth).double()
        point = fuse_conv_bn_eval(network.att5.conv_point, network.att5.bn).double()
        # This attention looks at a map of one cell, so the centre of its kernel is all that
        # counts.
        rows, columns = depth.kernel_size
        self._scale = depth.weight[:, 0, rows // 2, columns // 2]
        self._shift = depth.get_parameter("bias")
        self._weight, self._bias = point.weight[:, :, 0, 0], point.bias
        self.fc = copy.deepcopy(network.fc).double()

    def weigh(self, mean: Tensor, largest: Tensor) -> Tensor:
        """Weigh the mean of a map by the attention to its largest values, float64."""
        seen = largest.double() * self._scale + self._shift
        return mean.double() * functional.linear(seen, self._weight, self._bias).sigmoid()
