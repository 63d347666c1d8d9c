"""Students in operations that a graph can hold."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from ...weights import WeightsReference
from .._framing import Framing
from .._graph_framing import cut_waveforms
from .._graph_spectrum import lengthen
from .._waveform_graph import EncoderGraph, NetworkGraph
from ..efficientat._efficientat_front_end import N_BANDS, SHORTEST, LogMel
from ..efficientat._efficientat_network import EfficientATBody
from ..efficientat._folded_efficientat import FoldedBody
from ..wav2clip._wav2clip_graph import Wav2CLIPGraph
from ._efficientat_student import EfficientATStudent
from ._frozen_student import is_ours, read_network


class EfficientATStudentGraph(EncoderGraph[Framing]):
    """What `FrozenEfficientATStudent` computes.

    Parameters
    ----------
    student : EfficientATStudent
        In eval mode.
    output : {"embedding", "encoder"}
        Which vector.
    """

    def __init__(self, student: EfficientATStudent, output: str):
        super().__init__()
        self._front_end = LogMel()
        self.network = BodyGraph(student.audio_encoder)
        self._projection = None
        if output == "embedding" and student.audio_transform is not None:
            self._projection = copy.deepcopy(student.audio_transform).double()

    def prepare(self, waveforms: Tensor, framing: Framing) -> Tensor:
        """Turn (batch, n_samples) into spectrograms (batch, n_windows, 128, columns)."""
        windows = lengthen(cut_waveforms(waveforms, framing), SHORTEST)
        bands = self._front_end.whole(windows.flatten(0, 1))
        return bands.unflatten(0, windows.shape[:2])

    def finish(self, features: Tensor) -> Tensor:
        """Project features (batch, n_windows, width), where there is a projection."""
        if self._projection is None:
            return features
        return self._projection(features.double()).float()


class BodyGraph(NetworkGraph):
    example = (2, N_BANDS, 100)
    dynamic = (0, 2)

    def __init__(self, encoder: EfficientATBody):
        super().__init__()
        self._folded = FoldedBody(encoder, torch.device("cpu"), fused=False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self._folded.embed(inputs)


def graph_student(
    reference: WeightsReference, output: str
) -> EfficientATStudentGraph | Wav2CLIPGraph:
    """Make the graph of the encoder that ``reference`` names.

    Raises
    ------
    ValueError
        If it is a module of the user's own making.
    """
    if not is_ours(reference):
        raise ValueError(
            f"{reference.label} belong to a module of your own making, which may do what an ONNX "
            "model cannot hold: export the module itself with torch.onnx.export"
        )
    network = read_network(reference)
    if isinstance(network, EfficientATStudent):
        return EfficientATStudentGraph(network, output)
    return Wav2CLIPGraph(network, output)
