"""Wav2CLIP in operations that a graph can hold."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from .._framing import Framing
from .._graph_framing import cut_waveforms
from .._graph_spectrum import lengthen
from .._waveform_graph import EncoderGraph, NetworkGraph
from ..mobilenet._mobilenet import MobileNet
from ._folded_network import fold_network
from ._log_spectrogram import standardise_exactly
from ._resnet import ResNet
from ._spectrogram_sizes import LOG_OFFSET, SHORTEST
from ._wav2clip_network import Wav2CLIP


class Wav2CLIPGraph(EncoderGraph[Framing | None]):
    """What `FrozenWav2CLIP` computes.

    Parameters
    ----------
    model : Wav2CLIP
        In eval mode.
    output : {"embedding", "words", "encoder"}
        Which vector.
    """

    def __init__(self, model: Wav2CLIP, output: str):
        super().__init__()
        # In double precision: the Fourier transform of engines is less exact than that of torch.
        self._front_end = copy.deepcopy(model.audio_encoder.spectrogram).double()
        self.network = Wav2CLIPNetworkGraph(model.audio_encoder)
        self._projection = None
        if output != "encoder":
            self._projection = copy.deepcopy(model.projections()[output]).double().eval()

    def prepare(self, waveforms: Tensor, framing: Framing | None) -> Tensor:
        """Turn (batch, n_samples) into spectrograms (batch, n_frames, 1, columns, 257)."""
        if framing is None:
            frames = lengthen(waveforms, SHORTEST)[:, None]
        else:
            frames = cut_waveforms(waveforms, framing)
        # In single precision from here on, as there: of the quietest sounds, what its rounding
        # leaves is most of the spectrogram.
        power = self._front_end.power(frames.double()).float()
        spectrograms = standardise_exactly((power + LOG_OFFSET).double().log().float())
        return spectrograms.transpose(2, 3)[:, :, None]

    def finish(self, features: Tensor) -> Tensor:
        """Turn maps (batch, n_frames, channels, columns, rows) into vectors."""
        features = features.mean((3, 4))
        if self._projection is None:
            return features
        return self._projection(features.double()).float()


class Wav2CLIPNetworkGraph(NetworkGraph):
    """The network alone, from (n, 1, columns, 257) to (n, features, columns / stride, rows).

    Parameters
    ----------
    network : ResNet or MobileNet
        In eval mode; it stays as it is.
    """

    example = (2, 1, 64, 257)
    dynamic = (0, 2)

    def __init__(self, network: ResNet | MobileNet):
        super().__init__()
        self._folded = fold_network(network, torch.device("cpu"), fused=False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self._folded.extract(self._folded.reduce(inputs))
