"""The two networks of Wav2CLIP as ONNX models, made of the entries of a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engines import make_model, make_node
from ..mobilenet._bands import mel_bands
from ..mobilenet._shapes import BLOCKS as MOBILE_BLOCKS
from ..mobilenet._shapes import HIGHEST, N_BANDS, N_BINS, STEM, Shape, scale
from ._checked_entries import CheckedEntries
from ._configuration import BLOCKS

_ENCODER = "audio_encoder."


@dataclass(frozen=True)
class NetworkModel:
    """A network from spectrograms (n, 1, 257, columns) to a map of features.

    Attributes
    ----------
    content : bytes
        The ONNX model.
    n_features : int
        Channels of the map.
    stride : int
        Columns of the input from one column of the map to the next.
    reach : int
        Columns on either side that one column of the map depends on.
    """

    content: bytes
    n_features: int
    stride: int
    reach: int


class _Layers:
    """Convolutions one after the other, and how far they see."""

    def __init__(self, entries: CheckedEntries):
        self._entries = entries
        self._nodes: list[bytes] = []
        self._weights: dict[str, np.ndarray] = {}
        self.channels = 1
        self.stride, self.reach = 1, 0

    def convolve(
        self,
        x: str,
        convolution: str,
        norm: str,
        shape: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        *,
        per_channel: bool = False,
    ) -> str:
        """Add a convolution whose kernel is a square, of shape (channels, side)."""
        channels, side = shape
        groups = self.channels if per_channel else 1
        weight, bias = self._entries.take_convolution(
            _ENCODER + convolution,
            _ENCODER + norm,
            channels,
            self.channels // groups,
            side,
            side,
        )
        weight_name, bias_name = f"{convolution}.weight", f"{convolution}.bias"
        self._weights |= {
            weight_name: weight.astype(np.float32),
            bias_name: bias.astype(np.float32),
        }
        self.channels = channels
        self._look(side, stride[1])
        window = dict(kernel_shape=[side] * 2, pads=[side // 2] * 4, strides=stride)
        return self.add("Conv", [x, weight_name, bias_name], group=groups, **window)

    def average_in_bands(self, x: str) -> str:
        """Add what the network for CPUs begins with."""
        self._weights["bands"] = mel_bands(N_BANDS, N_BINS, HIGHEST).astype(np.float32)
        return self.add("MatMul", ["bands", x])

    def pool(self, x: str) -> str:
        """Add the pooling of the residual network."""
        self._look(3, 2)
        return self.add("MaxPool", [x], kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2])

    def rectify(self, x: str) -> str:
        return self.add("Relu", [x])

    def add(self, operation: str, inputs: list[str], **attributes) -> str:
        """Add an operation; return the name of its result."""
        output = f"{len(self._nodes)}"
        self._nodes.append(make_node(operation, inputs, output, **attributes))
        return output

    def finish(self, x: str) -> NetworkModel:
        """Make the model, whose result is ``x``."""
        content = make_model(
            self._nodes,
            self._weights,
            ("inputs", ["batch", 1, N_BINS, "columns"]),
            (x, ["batch", self.channels, "rows", "map_columns"]),
        )
        return NetworkModel(content, self.channels, self.stride, self.reach)

    def _look(self, side: int, stride: int) -> None:
        self.reach += side // 2 * self.stride
        self.stride *= stride


def model_residual(entries: CheckedEntries, architecture: str, width: int) -> NetworkModel:
    """Make the residual network."""
    layers = _Layers(entries)
    x = layers.convolve("inputs", "conv1", "bn1", (width, 7), (2, 2))
    # Rectified after the pooling, as in torch.
    x = layers.rectify(layers.pool(x))
    for stage, n_blocks in enumerate(BLOCKS[architecture]):
        for block in range(n_blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            x = _add_block(layers, x, f"layer{stage + 1}.{block}.", width * 2**stage, stride)
    return layers.finish(x)


def _add_block(layers: _Layers, x: str, name: str, channels: int, stride: int) -> str:
    """Add two convolutions and a shortcut."""
    shortcut = x
    if stride != 1 or layers.channels != channels:
        shortcut = _add_downsample(layers, x, name, channels, stride)
    y = layers.convolve(x, f"{name}conv1", f"{name}bn1", (channels, 3), (stride, stride))
    y = layers.convolve(layers.rectify(y), f"{name}conv2", f"{name}bn2", (channels, 3))
    return layers.rectify(layers.add("Add", [y, shortcut]))


def _add_downsample(layers: _Layers, x: str, name: str, channels: int, stride: int) -> str:
    """Add a convolution beside the others, which start where it did."""
    before = layers.channels, layers.stride, layers.reach
    pair = f"{name}downsample.0", f"{name}downsample.1"
    shortcut = layers.convolve(x, *pair, (channels, 1), (stride, stride))
    layers.channels, layers.stride, layers.reach = before
    return shortcut


def model_mobile(entries: CheckedEntries, width: int) -> NetworkModel:
    """Make the network of inverted bottlenecks."""
    layers = _Layers(entries)
    bands = layers.average_in_bands("inputs")
    stem = layers.convolve(bands, "stem.0", "stem.1", (scale(STEM, width), 3), (2, 2))
    x = layers.rectify(stem)
    for number, shape in enumerate(MOBILE_BLOCKS):
        expanded, channels = scale(shape.expanded, width), scale(shape.channels, width)
        scaled = shape._replace(expanded=expanded, channels=channels)
        x = _add_bottleneck(layers, x, f"blocks.{number}.", scaled)
    x = layers.rectify(layers.convolve(x, "last.0", "last.1", (12 * width, 1)))
    return layers.finish(x)


def _add_bottleneck(layers: _Layers, x: str, name: str, shape: Shape) -> str:
    """Add an expansion, a look around in each channel, and a projection beside a shortcut."""
    has_shortcut = layers.channels == shape.channels and shape.stride == (1, 1)
    side, stride = (3, shape.stride) if shape.fused else (1, (1, 1))

    def names(layer: str) -> tuple[str, str]:
        return f"{name}{layer}.0", f"{name}{layer}.1"

    y = layers.rectify(layers.convolve(x, *names("expand"), (shape.expanded, side), stride))
    if not shape.fused:
        kernel = (shape.expanded, 3)
        y = layers.convolve(y, *names("depthwise"), kernel, shape.stride, per_channel=True)
        y = layers.rectify(y)
    y = layers.convolve(y, *names("project"), (shape.channels, 1))
    return layers.add("Add", [y, x]) if has_shortcut else y
