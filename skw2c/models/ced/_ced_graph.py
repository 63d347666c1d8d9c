"""CED in operations that a graph can hold."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.nn.functional import pad

from ...weights import WeightsReference
from .._framing import Framing
from .._graph_framing import cut_waveforms, take_or_zero
from .._graph_sizes import divide_up, smaller
from .._graph_spectrum import lengthen, power_spectra
from .._waveform_graph import EncoderGraph, NetworkGraph
from ._ced_configuration import read_beside
from ._ced_front_end import HOP_LENGTH, N_FFT, SHORTEST, LogMel, set_floor
from ._ced_network import CED, CHUNK_COLUMNS, CHUNK_FRAMES, N_BANDS, PATCH, CEDEncoder
from ._frozen_ced import read_network


class CEDGraph(EncoderGraph[Framing | None]):
    """What `FrozenCED` computes.

    Parameters
    ----------
    network : CED
        In eval mode.
    output : {"embedding", "scores"}
        Which vector.
    """

    def __init__(self, network: CED, output: str):
        super().__init__()
        self._front_end = LogMel(torch.device("cpu"))
        self.network = CEDNetworkGraph(network.encoder)
        self._encoder, self._classifier = network.encoder, None
        if output == "scores":
            self._classifier = copy.deepcopy(network.outputlayer).double()

    def prepare(self, waveforms: Tensor, framing: Framing | None) -> Tensor:
        """Turn (batch, n_samples) into spectrograms (batch, n_frames, n_chunks, 64, columns)."""
        frames = waveforms[:, None] if framing is None else cut_waveforms(waveforms, framing)
        frames = lengthen(frames, SHORTEST)
        normalised = self._encoder.normalise(self._decibels(frames.flatten(0, 1)))
        return _cut_chunks(normalised).unflatten(0, frames.shape[:2])

    def finish(self, features: Tensor) -> Tensor:
        """Turn the means of tokens (batch, n_frames, width) into vectors."""
        if self._classifier is None:
            return features.float()
        return self._classifier(features).sigmoid().float()

    def _decibels(self, waveforms: Tensor) -> Tensor:
        mirrored = pad(waveforms, (N_FFT // 2, N_FFT // 2), mode="reflect").double()
        power = power_spectra(mirrored, self._front_end.window, HOP_LENGTH)
        decibels = self._front_end.to_decibels(power)
        return set_floor(decibels, decibels.amax((1, 2), keepdim=True))


def graph_ced(reference: WeightsReference, output: str) -> CEDGraph:
    """Make the graph of the encoder that ``reference`` names."""
    return CEDGraph(read_network(reference, read_beside(reference)), output)


class CEDNetworkGraph(NetworkGraph):
    """The network alone, from chunks (n, n_chunks, 64, columns) to means of tokens (n, width)."""

    example = (2, 3, N_BANDS, 5 * PATCH)
    dynamic = (0, 1, 3)

    def __init__(self, encoder: CEDEncoder):
        super().__init__()
        self._encoder = encoder

    def forward(self, inputs: Tensor) -> Tensor:
        means = self._encoder(inputs.flatten(0, 1)).mean(1).double()
        return means.unflatten(0, inputs.shape[:2]).mean(1)


def _cut_chunks(normalised: Tensor) -> Tensor:
    """Cut (n, 64, n_frames) into what the network sees of it: (n, n_chunks, 64, columns)."""
    n_frames = normalised.shape[-1]
    n_columns = smaller(n_frames // PATCH * PATCH, CHUNK_COLUMNS)
    starts = torch.arange(divide_up(n_frames, CHUNK_FRAMES)) * CHUNK_FRAMES
    chunks = take_or_zero(normalised, starts[:, None] + torch.arange(n_columns))
    return chunks.transpose(1, 2)
