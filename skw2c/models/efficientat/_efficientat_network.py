"""EfficientAT's network: MobileNetV3 over a log-mel spectrogram, as it is trained."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

N_CLASSES = 527

_EPSILON = 1e-3  # of the normalisations
_DROPOUT = 0.2
_ACTIVATIONS = {"relu": nn.ReLU, "hardswish": nn.Hardswish}


class Shape(NamedTuple):
    """Shape of a block of width 1.

    Attributes
    ----------
    kernel : int
        Rows and columns of the kernels that look around.
    expanded, channels : int
        Channels within the block, and of its result.
    squeezes : bool
        Whether channels are weighted by what their means say.
    activation : {"relu", "hardswish"}
        What follows the convolutions, but for the last one.
    stride : int
        Over frequency and time.
    """

    kernel: int
    expanded: int
    channels: int
    squeezes: bool
    activation: str
    stride: int = 1


STEM = 16
BLOCKS = (
    Shape(3, 16, 16, False, "relu"),
    Shape(3, 64, 24, False, "relu", 2),
    Shape(3, 72, 24, False, "relu"),
    Shape(5, 72, 40, True, "relu", 2),
    Shape(5, 120, 40, True, "relu"),
    Shape(5, 120, 40, True, "relu"),
    Shape(3, 240, 80, False, "hardswish", 2),
    Shape(3, 200, 80, False, "hardswish"),
    Shape(3, 184, 80, False, "hardswish"),
    Shape(3, 184, 80, False, "hardswish"),
    Shape(3, 480, 112, True, "hardswish"),
    Shape(3, 672, 112, True, "hardswish"),
    Shape(5, 672, 160, True, "hardswish", 2),
    Shape(5, 960, 160, True, "hardswish"),
    Shape(5, 960, 160, True, "hardswish"),
)
EXPANSION = 6
"""Channels of the last map, for each of the last block."""
HIDDEN = 1280
"""Outputs of the classifier's first layer at width 1."""

MIDDLE = (5, 11, 13, 15)
"""Blocks, counted from 1, whose means tell sounds apart better than those of the last map."""


class ConvolutionNorm(nn.Sequential):
    """A convolution, its batch normalisation, and an activation where there is one."""

    def __init__(
        self, n_in: int, n_out: int, kernel: int, stride=1, groups=1, activation: str | None = None
    ):
        super().__init__(
            nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, groups=groups, bias=False),
            # With the momentum of the original, 0.01, the means that are kept lag behind what is
            # learned, by hundreds of steps.
            nn.BatchNorm2d(n_out, _EPSILON),
        )
        if activation is not None:
            self.append(_ACTIVATIONS[activation](inplace=True))


class SqueezeExcitation(nn.Module):
    """Weight each channel by what the means of all say (Hu et al., arXiv 1709.01507)."""

    def __init__(self, channels: int):
        super().__init__()
        squeezed = scale_channels(channels // 4)
        self.fc1 = nn.Linear(channels, squeezed)
        self.fc2 = nn.Linear(squeezed, channels)

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.sigmoid(self.fc2(torch.relu(self.fc1(x.mean((2, 3))))))
        return x * weights[:, :, None, None]


class ConcurrentExcitation(nn.Module):
    """The one squeeze and excitation of a block, under the name that the checkpoints have.

    The original program can have several, over other axes, side by side.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.conc_se_layers = nn.ModuleList([SqueezeExcitation(channels)])

    def forward(self, x: Tensor) -> Tensor:
        return self.conc_se_layers[0](x)


class InvertedBottleneck(nn.Module):
    """Expand the channels, look around in each, weight them, and project back.

    The block of MobileNetV3 (Howard et al., arXiv 1905.02244). One whose channels are as many
    as they would be expanded to has no first convolution.
    """

    def __init__(self, n_in: int, shape: Shape):
        super().__init__()
        kernel, expanded, n_out, squeezes, activation, stride = shape
        self.shape = shape
        self.has_shortcut = stride == 1 and n_in == n_out
        layers: list[nn.Module] = []
        if expanded != n_in:
            layers.append(ConvolutionNorm(n_in, expanded, 1, activation=activation))
        layers.append(ConvolutionNorm(expanded, expanded, kernel, stride, expanded, activation))
        if squeezes:
            layers.append(ConcurrentExcitation(expanded))
        layers.append(ConvolutionNorm(expanded, n_out, 1))
        self.block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        y = self.block(x)
        return y + x if self.has_shortcut else y


class EfficientATBody(nn.Module):
    """The network without its classifier.

    The names of its entries are those of the original program. Whoever derives from it calls
    ``_initialise`` when all layers are there.

    Parameters
    ----------
    width : float, default=1.0
        Scales all channels: 0.4 is mn04, 1.0 is mn10, 4.0 is mn40.

    Attributes
    ----------
    width : int
        Length of the embedding, 960 for mn10.
    middle_widths : list of int
        Channels of the four blocks that `middle_means` reads.
    """

    def __init__(self, width: float = 1.0):
        super().__init__()
        n_in = scale_channels(STEM * width)
        self.features = nn.Sequential(ConvolutionNorm(1, n_in, 3, 2, activation="hardswish"))
        widths = [n_in]
        for shape in BLOCKS:
            n_out = scale_channels(shape.channels * width)
            expanded = scale_channels(shape.expanded * width)
            scaled = shape._replace(expanded=expanded, channels=n_out)
            self.features.append(InvertedBottleneck(n_in, scaled))
            n_in = n_out
            widths.append(n_out)
        self.width = EXPANSION * n_in
        self.features.append(ConvolutionNorm(n_in, self.width, 1, activation="hardswish"))
        self.middle_widths = [widths[block] for block in MIDDLE]

    def embed(self, x: Tensor) -> Tensor:
        """Map log-mel spectrograms (batch, 128, columns) to means of the last map."""
        # A step of training takes a third less time where the channels lie together.
        x = x[:, None].contiguous(memory_format=torch.channels_last)
        return self.features(x).mean((2, 3))

    def middle_means(self, x: Tensor) -> Tensor:
        """Means of the 128 bands over time, then of the maps of the four middle blocks."""
        means, x = [x.mean(2)], x[:, None]
        for block, layer in enumerate(self.features[: MIDDLE[-1] + 1]):
            x = layer(x)
            if block in MIDDLE:
                means.append(x.mean((2, 3)))
        return torch.cat(means, 1)

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.zeros_(module.bias)


class EfficientAT(EfficientATBody):
    """A MobileNetV3 that scores the classes of AudioSet.

    Parameters
    ----------
    width : float, default=1.0
        Scales all channels.
    """

    def __init__(self, width: float = 1.0):
        super().__init__(width)
        hidden = scale_channels(HIDDEN * width)
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(self.width, hidden),
            nn.Hardswish(inplace=True),
            nn.Dropout(_DROPOUT, inplace=True),
            nn.Linear(hidden, N_CLASSES),
        )
        self._initialise()

    def forward(self, x: Tensor) -> Tensor:
        """Map log-mel spectrograms (batch, 128, columns) to logits (batch, 527)."""
        return self.classifier(self.features(x[:, None]))


def random_efficientat(seed: int, width: float = 1.0) -> EfficientAT:
    """Draw an untrained network, the same for the same seed, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = EfficientAT(width).float().eval()
    return network.requires_grad_(False)


def scale_channels(channels: float) -> int:
    """Round to a multiple of 8, which must not be below nine tenths of it."""
    rounded = max(int(channels + 4) // 8 * 8, 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


def width_of(n_features: int) -> float:
    """Width of the network whose embedding has this length."""
    return n_features / (EXPANSION * BLOCKS[-1].channels)
