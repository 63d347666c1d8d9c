"""ESResNeXt-fbsp, the audio encoder of AudioCLIP, as it is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ._attention import Attention2d, halve
from ._fbsp import (
    N_BANDS,
    LinearFBSP,
    blackman_harris,
    cut_columns,
    project,
    rescale,
    to_decibels,
)

BLOCKS = (3, 4, 6, 3)
EXPANSION = 4

# The attention of each stage looks along frequency or along time, in turn.
_ATTENTION_KERNELS = ((3, 1), (1, 5), (3, 1), (1, 5))


class Bottleneck(nn.Module):
    """1 x 1, grouped 3 x 3 and 1 x 1 convolutions and a shortcut (arXiv 1611.05431)."""

    def __init__(self, n_in: int, n_inner: int, n_out: int, stride: int, groups: int):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_inner)
        self.conv2 = nn.Conv2d(n_inner, n_inner, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(n_inner)
        self.conv3 = nn.Conv2d(n_inner, n_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(n_out)
        self.downsample = None
        if stride != 1 or n_in != n_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y)).relu_()
        return self.bn3(self.conv3(y)).add_(shortcut).relu_()


class ESResNeXtFBSP(nn.Module):
    """Audio encoder of AudioCLIP (Guzhov et al., arXiv 2106.13043).

    A spectrogram by learned wavelets, its low, middle and high bins as the three channels of
    a ResNeXt-50 (32 x 4d), whose stages are weighted by attention. The names of the entries
    are those of the official checkpoints, without the prefix ``audio.``.

    Parameters
    ----------
    n_outputs : int, default=1024
        Length of the vectors.
    width : int, default=64
        Channels of the first convolution.
    inner_width : int, default=128
        Channels of the grouped convolutions of the first stage.
    groups : int, default=32
        Their groups.
    blocks : sequence of 4 ints, default=(3, 4, 6, 3)
        Number of blocks in each stage.
    """

    window: Tensor
    sampling_rate = 44100
    time_stride = 32
    """Columns of the spectrogram from one column of the feature map to the next."""

    def __init__(
        self,
        n_outputs: int = 1024,
        *,
        width: int = 64,
        inner_width: int = 128,
        groups: int = 32,
        blocks: Sequence[int] = BLOCKS,
    ):
        super().__init__()
        self.fbsp = LinearFBSP()
        self.register_buffer("window", blackman_harris())
        self.conv1 = nn.Conv2d(N_BANDS, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        n_in = width
        for stage, (n_blocks, kernel) in enumerate(zip(blocks, _ATTENTION_KERNELS, strict=True)):
            n_inner, n_out = inner_width * 2**stage, EXPANSION * width * 2**stage
            layers = [Bottleneck(n_in, n_inner, n_out, 1 if stage == 0 else 2, groups)]
            layers += [Bottleneck(n_out, n_inner, n_out, 1, groups) for _ in range(n_blocks - 1)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
            setattr(self, f"att{stage + 1}", Attention2d(n_in, n_out, kernel))
            n_in = n_out
        self.att5 = Attention2d(n_in, n_in, (3, 5))
        self.fc = nn.Linear(n_in, n_outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def n_features(self) -> int:
        """Length of the vector before the last layer."""
        return self.fc.in_features

    @property
    def n_outputs(self) -> int:
        """Length of the vector."""
        return self.fc.out_features

    @property
    def reach(self) -> int:
        """Columns on either side that one column of the feature map depends on."""
        half, jump = 3, 2  # the first convolution: 7 columns, stride 2
        half, jump = half + jump, 2 * jump  # the pooling: 3 columns, stride 2
        for layers, attention in self.stages():
            before = half, jump
            for block in layers:
                half += jump
                jump *= block.conv2.stride[1]
            pooled = before[0] + (before[1] if jump > before[1] else 0)
            half = max(half, pooled + attention.conv_depth.padding[1] * jump)
        return half

    def stages(self) -> Iterator[tuple[Any, Any]]:
        """The layers of each stage, a sequence of `Bottleneck`, and their `Attention2d`."""
        for stage in "1234":
            yield getattr(self, f"layer{stage}"), getattr(self, f"att{stage}")

    def spectrogram(self, waveforms: Tensor) -> Tensor:
        """Turn (batch, n_samples) in [-1, 1] into dB, (batch, 3, bins, columns)."""
        columns = cut_columns(rescale(waveforms))
        return to_decibels(columns, project(self.fbsp(), self.window))

    def feature_map(self, x: Tensor) -> Tensor:
        """Map (batch, 3, bins, columns) to (batch, n_features, bins / 32, columns / 32)."""
        x = self.maxpool(self.bn1(self.conv1(x)).relu_())
        for stage, (layers, attention) in enumerate(self.stages()):
            weights = attention(x if stage == 0 else halve(x))
            x = layers(x) * weights
        return x

    def features(self, waveforms: Tensor) -> Tensor:
        """Embed (batch, n_samples) in [-1, 1] as (batch, n_features)."""
        x = self.feature_map(self.spectrogram(waveforms))
        weights = self.att5(x.amax((2, 3), keepdim=True))
        return (x.mean((2, 3), keepdim=True) * weights).flatten(1)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Embed mono waveforms (batch, n_samples) at 44.1 kHz as (batch, n_outputs).

        Samples are in [-1, 1]. The vectors are not of unit length.
        """
        return self.fc(self.features(waveforms))

    def loss_ttf(self) -> Tensor:
        """What training adds to its loss so that the wavelets keep their length, a scalar."""
        return self.fbsp.loss()


def random_audioclip(seed: int) -> ESResNeXtFBSP:
    """Draw an untrained network of full size from a seed, in eval mode.

    Equal seeds give equal weights; torch's own random state is not touched.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ESResNeXtFBSP().float().eval().requires_grad_(False)
