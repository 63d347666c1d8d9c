"""The two networks of Wav2CLIP, built of layers of whatever precision."""

from __future__ import annotations

from ..mobilenet._shapes import BLOCKS as MOBILE_BLOCKS
from ..mobilenet._shapes import STEM, Shape, scale
from ._configuration import BLOCKS, MOBILE
from ._layers import Layers, NetworkModel


def model_network(layers: Layers, architecture: str, width: int) -> NetworkModel:
    """Make the model of a network.

    Parameters
    ----------
    layers : Layers
        None yet.
    architecture : str
        One that `read_configuration` names.
    width : int
        Scales all channels.
    """
    if architecture == MOBILE:
        return _model_mobile(layers, width)
    return _model_residual(layers, architecture, width)


def _model_residual(layers: Layers, architecture: str, width: int) -> NetworkModel:
    x = layers.convolve("inputs", "conv1", "bn1", (width, 7), (2, 2), exact=True)
    # Rectified after the pooling, as in torch.
    x = layers.rectify(layers.pool(x))
    for stage, n_blocks in enumerate(BLOCKS[architecture]):
        for block in range(n_blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            x = _add_block(layers, x, f"layer{stage + 1}.{block}.", width * 2**stage, stride)
    return layers.finish(x)


def _add_block(layers: Layers, x: str, name: str, channels: int, stride: int) -> str:
    """Add two convolutions and a shortcut."""
    shortcut = x
    if stride != 1 or layers.channels != channels:
        shortcut = _add_downsample(layers, x, name, channels, stride)
    y = layers.convolve(x, f"{name}conv1", f"{name}bn1", (channels, 3), (stride, stride))
    y = layers.convolve(layers.rectify(y), f"{name}conv2", f"{name}bn2", (channels, 3))
    return layers.rectify(layers.sum(y, shortcut))


def _add_downsample(layers: Layers, x: str, name: str, channels: int, stride: int) -> str:
    """Add a convolution beside the others, which start where it did."""
    before = layers.channels, layers.stride, layers.reach
    pair = f"{name}downsample.0", f"{name}downsample.1"
    shortcut = layers.convolve(x, *pair, (channels, 1), (stride, stride))
    layers.channels, layers.stride, layers.reach = before
    return shortcut


def _model_mobile(layers: Layers, width: int) -> NetworkModel:
    """Make the network of inverted bottlenecks, whose first and last blocks stay exact.

    The first hear what is quiet beside what is loud. On the last ones rare sounds have numbers far
    above all others'. Together they are half of the loss, and take little of the time.
    """
    bands = layers.average_in_bands("inputs")
    stem = layers.convolve(bands, "stem.0", "stem.1", (scale(STEM, width), 3), (2, 2), exact=True)
    x = layers.rectify(stem)
    ends = 0, len(MOBILE_BLOCKS) - 1
    for number, shape in enumerate(MOBILE_BLOCKS):
        expanded, channels = scale(shape.expanded, width), scale(shape.channels, width)
        scaled = shape._replace(expanded=expanded, channels=channels)
        x = _add_bottleneck(layers, x, f"blocks.{number}.", scaled, exact=number in ends)
    x = layers.convolve(x, "last.0", "last.1", (12 * width, 1), exact=True)
    return layers.finish(layers.rectify(x))


def _add_bottleneck(layers: Layers, x: str, name: str, shape: Shape, exact: bool) -> str:
    """Add an expansion, a look around in each channel, and a projection beside a shortcut."""
    has_shortcut = layers.channels == shape.channels and shape.stride == (1, 1)
    side, stride = (3, shape.stride) if shape.fused else (1, (1, 1))

    def convolve(y: str, layer: str, channels: int, side: int, stride=(1, 1), **kind) -> str:
        names = f"{name}{layer}.0", f"{name}{layer}.1"
        return layers.convolve(y, *names, (channels, side), stride, exact=exact, **kind)

    y = layers.rectify(convolve(x, "expand", shape.expanded, side, stride))
    if not shape.fused:
        y = convolve(y, "depthwise", shape.expanded, 3, shape.stride, per_channel=True)
        y = layers.rectify(y)
    y = convolve(y, "project", shape.channels, 1)
    return layers.sum(y, x, exact=exact) if has_shortcut else y
