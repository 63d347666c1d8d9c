"""The residual network of Wav2CLIP: a ResNet for one-channel spectrograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from ._configuration import BLOCKS


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut (He et al., arXiv 1512.03385)."""

    def __init__(self, n_in: int, n_out: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.downsample = None
        if stride != 1 or n_in != n_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.bn1(self.conv1(x)).relu_()
        return self.bn2(self.conv2(y)).add_(shortcut).relu_()


class ResNet(nn.Module):
    """ResNet without classifier, from (batch, 1, bins, columns) to a map of features.

    Parameters
    ----------
    blocks : sequence of 4 ints
        Number of blocks in each stage.
    width : int
        Channels of the first stage; each next stage has twice as many.
    """

    time_stride = 32
    """Input columns from one column of the feature map to the next."""

    def __init__(self, blocks: Sequence[int] = BLOCKS["resnet18"], width: int = 64):
        super().__init__()
        self.n_features = 8 * width
        self.conv1 = nn.Conv2d(1, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        n_in = width
        for stage, n_blocks in enumerate(blocks):
            n_out = width * 2**stage
            layers = [BasicBlock(n_in, n_out, 1 if stage == 0 else 2)]
            layers += [BasicBlock(n_out, n_out, 1) for _ in range(n_blocks - 1)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
            n_in = n_out
        self._initialise()

    @property
    def reach(self) -> int:
        """Input columns on either side that one column of the feature map depends on."""
        half, jump = 3, 2  # the first convolution: 7 columns, stride 2
        half, jump = half + jump, 2 * jump  # the pooling: 3 columns, stride 2
        for stage in self.stages():
            for block in stage:
                half += jump
                jump *= block.conv1.stride[1]
                half += jump
        return half

    def stages(self) -> list[Any]:
        """The four stages, each a sequence of `BasicBlock`."""
        return [self.layer1, self.layer2, self.layer3, self.layer4]

    def feature_map(self, x: Tensor) -> Tensor:
        """Map (batch, 1, bins, columns) to (batch, n_features, bins / 32, columns / 32)."""
        # The rectifier comes after the pooling, where the map is a quarter as large: the largest
        # of rectified values is the largest value, rectified.
        x = self.maxpool(self.bn1(self.conv1(x))).relu_()
        for stage in self.stages():
            x = stage(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Average the feature map over frequency and time: (batch, n_features)."""
        return self.feature_map(x).mean((2, 3))

    def _initialise(self) -> None:
        # As the published code has it: unlike torchvision, the scales of the batch
        # normalisation are drawn around one.
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.02)
