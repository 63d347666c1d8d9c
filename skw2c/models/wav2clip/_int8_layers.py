"""Layers whose convolutions multiply integers of eight bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ...engines import make_node
from ._checked_entries import CheckedEntries
from ._layers import Layers

_LEVELS = 255
_MOST_OF_A_PAIR = 128
_MOST_OF_A_BIAS = 2.0**30


class Range(NamedTuple):
    """Between what numbers the result of an operation usually lies."""

    lowest: float
    highest: float


class Int8Layers(Layers):
    """Layers whose convolutions and sums are of integers, but for those that stay exact.

    Results are integers from 0 to 255, each with a scale and a zero of its own; weights are
    integers with a scale for each output channel (Krishnamoorthi, arXiv 1806.08342). Both are
    stated as pairs of QuantizeLinear and DequantizeLinear, of which ONNX Runtime makes operations
    on integers. What lies outside a range becomes its end.

    Parameters
    ----------
    entries : CheckedEntries
        What the convolutions are taken from.
    ranges : mapping of str to Range
        For each result, by its name.
    """

    def __init__(self, entries: CheckedEntries, ranges: Mapping[str, Range]):
        super().__init__(entries)
        self._ranges = ranges
        self._rounded: dict[str, str] = {}
        self._scales: dict[str, np.float32] = {}

    def sum(self, x: str, shortcut: str, *, exact: bool = False) -> str:
        """Add a sum."""
        terms = [x, shortcut]
        return self.add("Add", terms if exact else [self._round(term) for term in terms])

    def _weigh(self, x: str, name: str, weight: np.ndarray, bias: np.ndarray) -> list[str]:
        rounded = self._round(x)
        scales = choose_weight_scales(weight, bias / self._scales[x])
        integers = np.rint(weight / scales[:, None, None, None]).astype(np.int8)
        units = self._scales[x] * scales
        offsets = np.rint(bias / units.astype(np.float64)).astype(np.int32)
        return [
            rounded,
            self._state(f"{name}.weight", integers, scales),
            self._state(f"{name}.bias", offsets, units),
        ]

    def _round(self, x: str) -> str:
        """Add what rounds a result to one of 256 numbers, once."""
        if x not in self._rounded:
            scale, zero = _divide(self._ranges[x])
            self._scales[x] = scale
            names = f"{x}.scale", f"{x}.zero"
            self.constants |= dict(zip(names, map(np.asarray, (scale, zero)), strict=True))
            self._quantize(x, names)
        return self._rounded[x]

    def _quantize(self, x: str, names: tuple[str, str]) -> None:
        integers, self._rounded[x] = f"{x}.integers", f"{x}.rounded"
        self.nodes += [
            make_node("QuantizeLinear", [x, *names], integers),
            make_node("DequantizeLinear", [integers, *names], self._rounded[x]),
        ]

    def _state(self, name: str, integers: np.ndarray, scales: np.ndarray) -> str:
        """Add constants that are integers times a scale for each channel."""
        names = f"{name}.integers", f"{name}.scales", f"{name}.zeros"
        zeros = np.zeros(len(scales), integers.dtype)
        self.constants |= dict(zip(names, (integers, scales, zeros), strict=True))
        self.nodes.append(make_node("DequantizeLinear", names, name, axis=0))
        return name


def choose_weight_scales(weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """What the integers of a convolution's weights are to be multiplied by, for each channel.

    Processors without VNNI add the products of two neighbours in 16 bits, which two times
    255 x 127 exceed: unseen, sums would be wrong. So no two weights of a channel exceed 128
    together, whichever become neighbours.

    Parameters
    ----------
    weight : ndarray of shape (n_channels, ...)
    bias : ndarray of shape (n_channels,)
        Divided by the scale of the input.

    Returns
    -------
    ndarray of shape (n_channels,), float32
    """
    sizes = np.sort(np.abs(weight.reshape(len(weight), -1)), axis=1)
    largest = sizes[:, -1]
    second = sizes[:, -2] if sizes.shape[1] > 1 else np.zeros_like(largest)
    # One less, as both may be rounded up.
    scales = (largest + second) / (_MOST_OF_A_PAIR - 1)
    # Where a channel hardly heeds its input, its bias must still be a number of 32 bits.
    scales = np.maximum(scales, np.abs(bias) / _MOST_OF_A_BIAS)
    return np.where(scales > 0, scales, 1.0).astype(np.float32)


def _divide(extent: Range) -> tuple[np.float32, np.uint8]:
    """Scale and zero of a range, which always has the number 0 in it."""
    lowest, highest = min(extent.lowest, 0.0), max(extent.highest, 0.0)
    scale = np.float32((highest - lowest) / _LEVELS if highest > lowest else 1.0)
    return scale, np.uint8(np.rint(-lowest / scale))
