"""CLAP's encoder of sound in operations that a graph can hold."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.nn.functional import pad

from ...weights import WeightsReference
from .._framing import Framing
from .._graph_framing import cut_waveforms
from .._graph_spectrum import power_spectra
from .._waveform_graph import EncoderGraph, NetworkGraph
from ._clap_description import describe_clap
from ._clap_front_end import (
    HOP_LENGTH,
    N_BANDS,
    N_FRAMES,
    WINDOW_LENGTH,
    LogMel,
    mirror_ends,
)
from ._clap_network import AudioSide
from ._frozen_clap import read_audio_side
from ._htsat import HTSAT


class CLAPGraph(EncoderGraph[Framing]):
    """What `FrozenCLAP` computes.

    Parameters
    ----------
    side : AudioSide
        In eval mode.
    edges : tuple of float
        Lowest and highest frequency of the filters, in Hz.
    output : {"embedding", "hidden", "log_mel"}
        Which vector.
    """

    def __init__(self, side: AudioSide, edges: tuple[float, float], output: str):
        super().__init__()
        self._output = output
        self._front_end = LogMel(side.fused, *edges, torch.device("cpu"))
        self.network = None if output == "log_mel" else CLAPNetworkGraph(side.network)
        self._projection = copy.deepcopy(side.projection).double()

    def prepare(self, waveforms: Tensor, framing: Framing) -> Tensor:
        """Turn (batch, n_samples) into spectrograms (batch, n_windows, 64, 1001)."""
        windows = _fill_windows(cut_waveforms(waveforms, framing))
        mirrored = mirror_ends(windows.flatten(0, 1).double())
        power = power_spectra(mirrored, self._front_end.window, HOP_LENGTH)
        return self._front_end.to_levels(power).unflatten(0, windows.shape[:2])

    def finish(self, features: Tensor) -> Tensor:
        """Turn vectors (batch, n_windows, width), or spectrograms, into what is wanted."""
        if self._output == "log_mel":
            return features.transpose(2, 3).flatten(2)
        if self._output == "hidden":
            return features
        return self._projection(features.double()).float()


def graph_clap(reference: WeightsReference, output: str) -> CLAPGraph:
    """Make the graph of the encoder that ``reference`` names."""
    return CLAPGraph(read_audio_side(reference), describe_clap(reference).edges, output)


class CLAPNetworkGraph(NetworkGraph):
    """The network alone, from spectrograms (n, 64, 1001) to vectors (n, width)."""

    example = (2, N_BANDS, N_FRAMES)

    def __init__(self, network: HTSAT):
        super().__init__()
        self._network = network

    def forward(self, inputs: Tensor) -> Tensor:
        return self._network(inputs)


def _fill_windows(windows: Tensor) -> Tensor:
    """Repeat windows (batch, n, n_samples) while they fit whole into ten seconds, then silence."""
    times = WINDOW_LENGTH // windows.shape[-1]
    repeated = windows.repeat(1, 1, times)
    return pad(repeated, (0, WINDOW_LENGTH - repeated.shape[-1]))
