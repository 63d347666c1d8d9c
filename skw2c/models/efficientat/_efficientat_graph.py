"""EfficientAT in operations that a graph can hold."""

from __future__ import annotations

import torch
from torch import Tensor

from ...weights import WeightsReference
from .._framing import Framing
from .._graph_framing import cut_waveforms
from .._graph_spectrum import lengthen
from .._waveform_graph import EncoderGraph, NetworkGraph
from ._efficientat_front_end import N_BANDS, SHORTEST, LogMel
from ._efficientat_network import EfficientAT
from ._folded_efficientat import FoldedBody
from ._frozen_efficientat import read_network

_CPU = torch.device("cpu")


class EfficientATGraph(EncoderGraph[Framing]):
    """What `FrozenEfficientAT` computes.

    Parameters
    ----------
    network : EfficientAT
        In eval mode.
    output : {"embedding", "scores", "mid"}
        Which vector.
    """

    def __init__(self, network: EfficientAT, output: str):
        super().__init__()
        self._front_end = LogMel()
        self._classifier = network.classifier.double() if output == "scores" else None
        self.network = EfficientATNetworkGraph(network, output)

    def prepare(self, waveforms: Tensor, framing: Framing) -> Tensor:
        """Turn (batch, n_samples) into spectrograms (batch, n_windows, 128, columns)."""
        windows = lengthen(cut_waveforms(waveforms, framing), SHORTEST)
        bands = self._front_end.whole(windows.flatten(0, 1))
        return bands.unflatten(0, windows.shape[:2])

    def finish(self, features: Tensor) -> Tensor:
        """Turn embeddings (batch, n_windows, width) into scores, where these are wanted."""
        if self._classifier is None:
            return features
        first, second = self._classifier[2], self._classifier[5]
        hidden = first(features.double())
        # The hard swish, which not every engine has in double precision.
        return torch.sigmoid(second(hidden * (hidden + 3).clamp(0, 6) / 6)).float()


def graph_efficientat(reference: WeightsReference, output: str) -> EfficientATGraph:
    """Make the graph of the encoder that ``reference`` names."""
    return EfficientATGraph(read_network(reference), output)


class EfficientATNetworkGraph(NetworkGraph):
    """The network alone, from spectrograms (n, 128, columns) to vectors (n, width)."""

    example = (2, N_BANDS, 100)
    dynamic = (0, 2)

    def __init__(self, network: EfficientAT, output: str):
        super().__init__()
        folded = FoldedBody(network, _CPU, fused=False)
        self._embed = folded.middle_means if output == "mid" else folded.embed

    def forward(self, inputs: Tensor) -> Tensor:
        return self._embed(inputs)
