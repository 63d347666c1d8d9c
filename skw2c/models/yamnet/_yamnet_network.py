"""YAMNet's network: MobileNet v1 over patches of a log-mel spectrogram."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from .._convolution import fold

N_LAYERS = 27
N_CLASSES = 521
HALVING = {1, 4, 8, 12, 24}
"""Layers, counted from 1, that halve their maps."""

_WIDTHS = (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)
_SMALL = 13
"""First layer whose maps have no more than 6 x 4 points."""
_WINDOWS_AT_ONCE = 8
"""Windows whose large maps are computed together, so that they stay in the cache."""


@dataclass(frozen=True)
class YAMNetWeights:
    """What YAMNet computes with.

    Attributes
    ----------
    layers : list of (Tensor, Tensor)
        Kernel (outputs, inputs of the group, 3 or 1, 3 or 1), time before frequency, and
        bias of the 27 layers, normalisation included: a convolution, then depthwise and
        pointwise ones in turns.
    classifier : (Tensor, Tensor)
        Kernel (521, width) and bias.
    activation : {"relu", "relu6"}
        What follows each layer.
    """

    layers: list[tuple[Tensor, Tensor]]
    classifier: tuple[Tensor, Tensor]
    activation: str


def random_yamnet(seed: int) -> YAMNetWeights:
    """Draw the weights of an untrained network of full size."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        values = torch.randn(shape, generator=generator, dtype=torch.float32)
        return values * (2 / values[0].numel()) ** 0.5

    kernels = [draw(_WIDTHS[0], 1, 3, 3)]
    for n_inputs, n_outputs in pairwise(_WIDTHS):
        kernels += [draw(n_inputs, 1, 3, 3), draw(n_outputs, n_inputs, 1, 1)]
    return YAMNetWeights(
        layers=[(kernel, torch.zeros(len(kernel))) for kernel in kernels],
        classifier=(draw(N_CLASSES, _WIDTHS[-1]), torch.zeros(N_CLASSES)),
        activation="relu",
    )


class YAMNet:
    """The layers of YAMNet up to the embedding, for inference.

    Parameters
    ----------
    weights : YAMNetWeights
        What it computes with.
    device : torch.device
        Where it runs.
    fused : bool, default=True
        Whether to use the operations of oneDNN, where they are, and matrix products.
    """

    def __init__(self, weights: YAMNetWeights, device: torch.device, *, fused: bool = True):
        self._layers = [
            _make_layer(number, kernel, bias, weights.activation, device, fused)
            for number, (kernel, bias) in enumerate(weights.layers, 1)
        ]

    def __call__(self, patches: Tensor) -> Tensor:
        """Map (batch, 96, 64) to embeddings (batch, width)."""
        return self.feature_map(patches).mean((2, 3))

    def feature_map(self, patches: Tensor) -> Tensor:
        """Map (batch, 96, 64) to (batch, width, 3, 2), time before frequency."""
        x = _pad_end(patches)
        parts = x.split(_WINDOWS_AT_ONCE if x.device.type == "cpu" else len(x))
        x = torch.cat([_run(self._layers[: _SMALL - 1], part) for part in parts])
        return _run(self._layers[_SMALL - 1 :], x)

    def map_at_once(self, patches: Tensor) -> Tensor:
        """What `feature_map` gives, in one piece however many patches there are."""
        return _run(self._layers, _pad_end(patches))


def _pad_end(patches: Tensor) -> Tensor:
    """Add a channel, and what TensorFlow's rule for borders gives for a stride of 2."""
    return pad(patches, (0, 1, 0, 1))[:, None]


def _run(layers: list, x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


def _make_layer(
    number: int,
    kernel: Tensor,
    bias: Tensor,
    activation: str,
    device: torch.device,
    fused: bool,
):
    if fused and kernel.shape[-1] == 1 and number >= _SMALL:
        return _PointwiseLayer(kernel, bias, activation, device)
    halves = number in HALVING
    padding = 0 if number == 1 or kernel.shape[-1] == 1 else 2 if halves else 1
    groups = 1 if number == 1 or kernel.shape[-1] == 1 else len(kernel)
    convolution = nn.utils.skip_init(
        nn.Conv2d,
        kernel.shape[1] * groups,
        len(kernel),
        kernel.shape[-1],
        stride=2 if halves else 1,
        padding=padding,
        groups=groups,
    )
    convolution.weight, convolution.bias = nn.Parameter(kernel), nn.Parameter(bias)
    layer = fold(convolution, None, activation, device, fused=fused)
    return _AtTheEnd(layer) if padding == 2 else layer


class _AtTheEnd:
    """A depthwise layer of stride 2 with zeros after the map, and none before it.

    Two zeros on each side shift the kernels by two, which is one point of the result: its
    first row and column go, and the others see one zero at the end. Cutting off the small
    result is quicker than padding the large map.
    """

    def __init__(self, layer):
        self._layer = layer

    def __call__(self, x: Tensor) -> Tensor:
        return self._layer(x)[:, :, 1:, 1:]


class _PointwiseLayer:
    """A pointwise convolution as one matrix product.

    For small maps oneDNN packs the kernels in another way for each size of the batch, and
    repacking them takes as long as the product.
    """

    def __init__(self, kernel: Tensor, bias: Tensor, activation: str, device: torch.device):
        self._kernel = kernel.flatten(1).T.contiguous().to(device)
        self._bias = bias.to(device)
        self._most = 6.0 if activation == "relu6" else None

    def __call__(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        y = torch.addmm(self._bias, x.reshape(-1, x.shape[-1]), self._kernel)
        return y.clamp_(0.0, self._most).view(*x.shape[:3], -1).permute(0, 3, 1, 2)
