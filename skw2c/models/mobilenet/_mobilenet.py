"""A network of inverted bottlenecks for one-channel spectrograms, as it is trained."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ._bands import mel_bands
from ._shapes import BLOCKS, FULL_WIDTH, HIGHEST, N_BANDS, N_BINS, STEM, Shape, scale


class ConvolutionNorm(nn.Sequential):
    """A convolution and its batch normalisation."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride=1, groups: int = 1):
        convolution = nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, groups=groups, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(n_out))


class InvertedBottleneck(nn.Module):
    """Expand the channels, look around in each, and project back, beside a shortcut.

    The block of MobileNetV2 (Sandler et al., arXiv 1801.04381) or, fused, of EfficientNet-EdgeTPU
    and EfficientNetV2 (Tan and Le, arXiv 2104.00298).
    """

    def __init__(self, n_in: int, shape: Shape):
        super().__init__()
        kernel, stride = (3, shape.stride) if shape.fused else (1, 1)
        self.expand = ConvolutionNorm(n_in, shape.expanded, kernel, stride)
        self.depthwise = None
        if not shape.fused:
            self.depthwise = ConvolutionNorm(
                shape.expanded, shape.expanded, 3, shape.stride, groups=shape.expanded
            )
        self.project = ConvolutionNorm(shape.expanded, shape.channels, 1)
        self.has_shortcut = n_in == shape.channels and shape.stride == (1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(x).relu_()
        if self.depthwise is not None:
            y = self.depthwise(y).relu_()
        y = self.project(y)
        return y + x if self.has_shortcut else y


class MobileNet(nn.Module):
    """A convolutional network without classifier, for spectrograms of 257 bins up to 8 kHz.

    Unlike MobileNetV3 (Howard et al., arXiv 1905.02244) it has no squeeze and excitation: its
    vector of a long clip can then be computed from parts. It takes spectrograms with linear
    frequencies and averages them in 64 mel bands.

    Parameters
    ----------
    width : int
        Scales all channels; 64 is the full width, 1.4 million parameters. There are twelve
        times as many features.
    """

    bands: Tensor
    time_stride = 16
    """Input columns from one column of the feature map to the next."""

    def __init__(self, width: int = FULL_WIDTH):
        super().__init__()
        self.n_features = 12 * width
        bands = torch.from_numpy(mel_bands(N_BANDS, N_BINS, HIGHEST)).float()
        self.register_buffer("bands", bands, persistent=False)
        n_in = scale(STEM, width)
        self.stem = ConvolutionNorm(1, n_in, 3, 2)
        self.blocks = nn.ModuleList()
        for shape in BLOCKS:
            n_out = scale(shape.channels, width)
            scaled = shape._replace(expanded=scale(shape.expanded, width), channels=n_out)
            self.blocks.append(InvertedBottleneck(n_in, scaled))
            n_in = n_out
        self.last = ConvolutionNorm(n_in, self.n_features, 1)
        self._initialise()

    @property
    def reach(self) -> int:
        """Input columns on either side that one column of the feature map depends on."""
        half, jump = 1, 2  # the stem: 3 columns, stride 2
        for shape in BLOCKS:
            half, jump = half + jump, jump * shape.stride[1]
        return half

    def feature_map(self, x: Tensor) -> Tensor:
        """Map (batch, 1, 257, columns) to (batch, n_features, 2, columns / 16)."""
        x = self.stem(self.bands @ x).relu_()
        for block in self.blocks:
            x = block(x)
        return self.last(x).relu_()

    def forward(self, x: Tensor) -> Tensor:
        """Average the feature map over frequency and time: (batch, n_features)."""
        return self.feature_map(x).mean((2, 3))

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        blocks: list[Any] = list(self.blocks)
        for block in blocks:
            if block.has_shortcut:
                # A deep network learns sooner where its blocks begin as shortcuts (Goyal et al.,
                # arXiv 1706.02677).
                nn.init.zeros_(block.project[1].weight)
