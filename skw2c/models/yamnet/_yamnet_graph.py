"""YAMNet in operations that a graph can hold."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from ...weights import WeightsReference
from .._framing import Framing
from .._graph_framing import count_frames, cut_waveforms, take
from .._graph_spectrum import power_spectra
from .._waveform_graph import EncoderGraph, NetworkGraph
from ._frozen_yamnet import read_weights
from ._yamnet_front_end import (
    FFT_LENGTH,
    FRAME_HOP,
    FRAME_LENGTH,
    N_BANDS,
    N_FRAMES,
    WINDOW_LENGTH,
    LogMel,
)
from ._yamnet_network import YAMNet, YAMNetWeights

_CPU = torch.device("cpu")


class YAMNetGraph(EncoderGraph[Framing]):
    """What `FrozenYAMNet` computes.

    Parameters
    ----------
    weights : YAMNetWeights
    output : {"embedding", "scores", "log_mel"}
        Which vector.
    """

    def __init__(self, weights: YAMNetWeights, output: str):
        super().__init__()
        self._output = output
        self._front_end = LogMel(_CPU)
        self.network = None if output == "log_mel" else YAMNetNetworkGraph(weights)
        self._kernel, self._bias = (value.double() for value in weights.classifier)

    def prepare(self, waveforms: Tensor, framing: Framing) -> Tensor:
        """Turn (batch, n_samples) into patches (batch, n_windows, 96, 64)."""
        if framing.hop % FRAME_HOP or framing.hop >= WINDOW_LENGTH:
            windows = cut_waveforms(waveforms, framing)
            return self._bands(windows.flatten(0, 1)).unflatten(0, windows.shape[:2])
        # Windows a whole number of frames apart share their frames: these are computed once.
        n_windows = count_frames(waveforms.shape[1], framing)
        n_samples = (n_windows - 1) * framing.hop + framing.length
        whole = pad(waveforms, (0, n_samples - waveforms.shape[1]))
        bands = self._bands(whole).transpose(1, 2)
        starts = torch.arange(n_windows) * (framing.hop // FRAME_HOP)
        return take(bands, starts[:, None] + torch.arange(N_FRAMES)).permute(0, 2, 3, 1)

    def finish(self, features: Tensor) -> Tensor:
        """Turn maps (batch, n_windows, width, 3, 2), or patches, into vectors."""
        if self._output == "log_mel":
            return features.flatten(2)
        embeddings = features.mean((3, 4))
        if self._output == "embedding":
            return embeddings
        return torch.sigmoid(embeddings.double() @ self._kernel.T + self._bias).float()

    def _bands(self, waveforms: Tensor) -> Tensor:
        padded = pad(waveforms.double(), (0, FFT_LENGTH - FRAME_LENGTH))
        return self._front_end.to_bands(power_spectra(padded, self._front_end.window, FRAME_HOP))


def graph_yamnet(reference: WeightsReference, output: str) -> YAMNetGraph:
    """Make the graph of the encoder that ``reference`` names."""
    return YAMNetGraph(read_weights(reference), output)


class YAMNetNetworkGraph(NetworkGraph):
    """The network alone, from patches (n, 96, 64) to maps (n, width, 3, 2)."""

    example = (2, N_FRAMES, N_BANDS)

    def __init__(self, weights: YAMNetWeights):
        super().__init__()
        self._network = YAMNet(weights, _CPU, fused=False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self._network.map_at_once(inputs)
