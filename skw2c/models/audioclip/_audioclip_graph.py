"""AudioCLIP's encoder of sound in operations that a graph can hold."""

from __future__ import annotations

import torch
from torch import Tensor

from ...weights import WeightsReference
from .._framing import Framing
from .._graph_framing import cut_waveforms, take_or_zero
from .._graph_sizes import divide_up, larger
from .._waveform_graph import EncoderGraph, NetworkGraph
from ._audioclip_head import Head
from ._esresnext import ESResNeXtFBSP
from ._fbsp import BAND_BINS, HOP_LENGTH, N_BANDS, WINDOW_LENGTH, project, rescale, to_decibels
from ._folded_esresnext import FoldedESResNeXt
from ._frozen_audioclip import read_network


class AudioCLIPGraph(EncoderGraph[Framing | None]):
    """What `FrozenAudioCLIP` computes.

    Parameters
    ----------
    network : ESResNeXtFBSP
        In eval mode.
    output : {"embedding", "encoder"}
        Which vector.
    n_channels : int
        How often each clip is counted.
    legacy_scaling : bool
        Whether samples are taken for 16-bit integers.
    """

    @torch.no_grad()
    def __init__(
        self, network: ESResNeXtFBSP, output: str, *, n_channels: int, legacy_scaling: bool
    ):
        super().__init__()
        self.network = AudioCLIPNetworkGraph(network)
        self._projection = project(network.fbsp(), network.window).contiguous()
        self._head, self._output = Head(network), output
        self._n_channels, self._legacy = n_channels, legacy_scaling

    def prepare(self, waveforms: Tensor, framing: Framing | None) -> Tensor:
        """Turn (batch, n_samples) into spectrograms (batch, n_frames, 3, bins, columns)."""
        frames = waveforms[:, None] if framing is None else cut_waveforms(waveforms, framing)
        columns = _cut_columns(rescale(frames, self._legacy))
        return to_decibels(columns, self._projection)

    def finish(self, features: Tensor) -> Tensor:
        """Turn maps (batch, n_frames, channels, columns, bins) into vectors."""
        weighed = self._head.weigh(features.mean((3, 4)), features.amax((3, 4)))
        features = self._n_channels * weighed
        vectors = features if self._output == "encoder" else self._head.fc(features)
        return vectors.float()


def graph_audioclip(
    reference: WeightsReference, output: str, *, n_channels: int, legacy_scaling: bool
) -> AudioCLIPGraph:
    """Make the graph of the encoder that ``reference`` names."""
    network = read_network(reference)
    return AudioCLIPGraph(network, output, n_channels=n_channels, legacy_scaling=legacy_scaling)


class AudioCLIPNetworkGraph(NetworkGraph):
    """The network alone, from (n, 3, bins, columns) to maps (n, width, columns, bins)."""

    example = (2, N_BANDS, BAND_BINS, 79)
    dynamic = (0, 3)

    def __init__(self, network: ESResNeXtFBSP):
        super().__init__()
        self._folded = FoldedESResNeXt(network, torch.device("cpu"), fused=False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self._folded.map_at_once(inputs)


def _cut_columns(waveforms: Tensor) -> Tensor:
    """What `cut_columns` gives of waveforms (..., n_samples): (..., columns, WINDOW_LENGTH)."""
    n_samples = waveforms.shape[-1]
    n_columns = 1 + divide_up(larger(n_samples - WINDOW_LENGTH, 0), HOP_LENGTH)
    before = ((n_columns - 1) * HOP_LENGTH + WINDOW_LENGTH - n_samples) // 2
    starts = torch.arange(n_columns) * HOP_LENGTH - before
    return take_or_zero(waveforms, starts[:, None] + torch.arange(WINDOW_LENGTH))
