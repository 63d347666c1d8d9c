"""OpenL3 in operations that a graph can hold."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...weights import WeightsReference
from .._framing import Framing
from .._graph_framing import cut_waveforms
from .._graph_spectrum import power_spectra
from .._waveform_graph import EncoderGraph, NetworkGraph
from ._frozen_openl3 import AUDIO_GRIDS, read_network
from ._openl3_front_end import HOP_LENGTH, SAMPLING_RATE, FrontEnd
from ._openl3_network import FoldedOpenL3, OpenL3Network, read_out

_CPU = torch.device("cpu")


class OpenL3Graph(EncoderGraph[Framing]):
    """What `FrozenOpenL3` computes.

    Parameters
    ----------
    network : OpenL3Network
        The network of sound, in eval mode.
    input_repr, frontend : str
        As of `FrontEnd`.
    grid : tuple of int
        Rows and columns of the cells whose maxima make a vector.
    """

    def __init__(
        self, network: OpenL3Network, input_repr: str, frontend: str, grid: tuple[int, int]
    ):
        super().__init__()
        self._front_end = _FrontEnd(input_repr, frontend, _CPU)
        spectrogram = self._front_end(torch.zeros(1, SAMPLING_RATE))
        self.network = OpenL3NetworkGraph(network, spectrogram.shape[1:])
        self._grid = grid

    def prepare(self, waveforms: Tensor, framing: Framing) -> Tensor:
        """Turn (batch, n_samples) into spectrograms (batch, n_windows, rows, columns)."""
        windows = cut_waveforms(waveforms, framing)
        spectrograms = self._front_end(windows.flatten(0, 1))
        return spectrograms.unflatten(0, windows.shape[:2])[:, :, None]

    def finish(self, features: Tensor) -> Tensor:
        """Turn maps (batch, n_windows, channels, rows, columns) into vectors."""
        vectors = read_out(features.flatten(0, 1), self._grid)
        return vectors.unflatten(0, features.shape[:2])


def graph_openl3(
    reference: WeightsReference, input_repr: str, frontend: str, embedding_size: int
) -> OpenL3Graph:
    """Make the graph of the encoder that ``reference`` names."""
    network = read_network(reference, "audio", input_repr)
    return OpenL3Graph(network, input_repr, frontend, AUDIO_GRIDS[embedding_size])


class OpenL3NetworkGraph(NetworkGraph):
    """The network alone, from (n, 1, rows, columns) to (n, width, rows / 8, columns / 8)."""

    def __init__(self, network: OpenL3Network, shape: Sequence[int]):
        super().__init__()
        self.example = (2, 1, *shape)
        self._folded = FoldedOpenL3(network, _CPU, fused=False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self._folded(inputs)


class _FrontEnd(FrontEnd):
    def _power(self, waveforms: Tensor) -> Tensor:
        return power_spectra(waveforms, self._window, HOP_LENGTH)
