"""Layers of a network that become an ONNX model, made of the entries of a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engines import make_model, make_node
from ..mobilenet._bands import mel_bands
from ..mobilenet._shapes import HIGHEST, N_BANDS, N_BINS
from ._checked_entries import CheckedEntries

_ENCODER = "audio_encoder."
INPUTS = "inputs"


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


class Layers:
    """Layers in single precision, one after the other, and how far they see.

    Parameters
    ----------
    entries : CheckedEntries
        What the convolutions are taken from.
    """

    def __init__(self, entries: CheckedEntries):
        self._entries = entries
        self._n_results = 0
        self.nodes: list[bytes] = []
        self.constants: dict[str, np.ndarray] = {}
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
        exact: bool = False,
    ) -> str:
        """Add a convolution whose kernel is a square, of shape (channels, side).

        An exact one stays in single precision, whatever becomes of the others.
        """
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
        self.channels = channels
        self._look(side, stride[1])
        inputs = (self._weigh_exactly if exact else self._weigh)(x, convolution, weight, bias)
        window = dict(kernel_shape=[side] * 2, pads=[side // 2] * 4, strides=stride)
        return self.add("Conv", inputs, group=groups, **window)

    def sum(self, x: str, shortcut: str, *, exact: bool = False) -> str:
        """Add a sum."""
        return self.add("Add", [x, shortcut])

    def average_in_bands(self, x: str) -> str:
        """Add what the network for CPUs begins with."""
        self.constants["bands"] = mel_bands(N_BANDS, N_BINS, HIGHEST).astype(np.float32)
        return self.add("MatMul", ["bands", x])

    def pool(self, x: str) -> str:
        """Add the pooling of the residual network."""
        self._look(3, 2)
        return self.add("MaxPool", [x], kernel_shape=[3, 3], pads=[1] * 4, strides=[2, 2])

    def rectify(self, x: str) -> str:
        """Add what makes zeros of negative numbers."""
        return self.add("Relu", [x])

    def add(self, operation: str, inputs: list[str], **attributes) -> str:
        """Add an operation; return the name of its result, the same in each kind of layers."""
        output = f"{self._n_results}"
        self._n_results += 1
        self.nodes.append(make_node(operation, inputs, output, **attributes))
        return output

    def finish(self, x: str) -> NetworkModel:
        """Make the model, whose result is ``x``."""
        return self._model(x, ["batch", self.channels, "rows", "map_columns"])

    def _model(self, x: str, axes: list[int | str]) -> NetworkModel:
        content = make_model(
            self.nodes,
            self.constants,
            (INPUTS, "float32", ["batch", 1, N_BINS, "columns"]),
            (x, "float32", axes),
        )
        return NetworkModel(content, self.channels, self.stride, self.reach)

    def _weigh_exactly(self, x: str, name: str, weight: np.ndarray, bias: np.ndarray) -> list[str]:
        constants = {f"{name}.weight": weight, f"{name}.bias": bias}
        self.constants |= {key: values.astype(np.float32) for key, values in constants.items()}
        return [x, *constants]

    _weigh = _weigh_exactly

    def _look(self, side: int, stride: int) -> None:
        self.reach += side // 2 * self.stride
        self.stride *= stride
