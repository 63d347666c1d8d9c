"""Students that are EfficientATs: read from their tensors, and frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from .._devices import ONNX_RUNTIME, choose_device_of_exported
from .._framing import Framing
from ..efficientat._efficientat_encoder import EfficientATEncoder
from ..efficientat._efficientat_front_end import RATE, SHORTEST
from ..efficientat._efficientat_network import width_of
from ..efficientat._efficientat_state import fill_strictly
from ..efficientat._folded_efficientat import FoldedBody
from ..efficientat._frozen_efficientat import LogMelEncoder
from ..wav2clip import Projection
from ._names_of_entries import LAST_MAP

_PREFIXES = ("audio_encoder.", "audio_transform.")
_LAST_LAYER = "audio_transform.sequential.3.weight"
_WINDOW = 10 * RATE


class EfficientATStudent(nn.Module):
    """An encoder and, where there is one, its projection into the space of the teacher.

    Parameters
    ----------
    width : float
        Scales the channels of the encoder.
    n_outputs : int or None
        Length of the projected vector; None where nothing is projected.
    """

    def __init__(self, width: float, n_outputs: int | None):
        super().__init__()
        self.audio_encoder = EfficientATEncoder(width)
        self.audio_transform = None
        if n_outputs is not None:
            n_features = self.audio_encoder.n_features
            self.audio_transform = Projection(n_features, n_outputs, n_outputs)


def build_efficientat_student(state: Mapping[str, Tensor], source: str) -> EfficientATStudent:
    """Build the student that the tensors describe, in eval mode.

    Those of its training alone, such as of projections of the teacher's vectors, are passed
    over. The counters of the batch normalisation may be missing; all else must fit.

    Parameters
    ----------
    state : mapping of str to Tensor
        The tensors.
    source : str
        Their name, for the error.

    Raises
    ------
    WeightsError
        If one is missing, unexpected, of another shape, or not finite.
    """
    own = {name: value for name, value in state.items() if name.startswith(_PREFIXES)}
    width = width_of(len(own[LAST_MAP]))
    n_outputs = _count_outputs(own.get(_LAST_LAYER))
    return fill_strictly(lambda: EfficientATStudent(width, n_outputs), own, source)


def _count_outputs(last_layer: Tensor | None) -> int | None:
    if last_layer is None:
        return None
    return last_layer.shape[0] if last_layer.ndim == 2 else 1  # whose shape is refused then


class FrozenEfficientATStudent(LogMelEncoder):
    """Embed windows of any length; a clip is the mean of windows of ten seconds.

    The network weighs channels by their means over all of a window, so that a long clip cannot
    be computed from parts of it, as it can with the networks of Wav2CLIP. Windows are those of
    `EfficientATTransformer`: the last one ends with the clip, and nothing is added to a clip that
    is shorter than one.

    Parameters
    ----------
    student : EfficientATStudent
        In eval mode.
    device : str
        Torch device, or ``"onnxruntime"``.
    """

    shortest = SHORTEST
    clip_framing: Framing | None = Framing(_WINDOW, _WINDOW, align_tail=True)

    def __init__(self, student: EfficientATStudent, device: str):
        super().__init__(choose_device_of_exported(device, "EfficientAT"))
        encoder, projection = student.audio_encoder, student.audio_transform
        self._embed: Callable[[Tensor], Tensor] = (
            _run_in_onnx(encoder)
            if device == ONNX_RUNTIME
            else FoldedBody(encoder, self._device).embed
        )
        # In double precision, because matrix products in single precision differ in the last bit
        # with the number of rows.
        self._projection = None if projection is None else projection.double()
        n_features = encoder.n_features
        n_outputs = n_features if projection is None else projection.sequential[-1].out_features
        self.widths = {"encoder": n_features, "embedding": n_outputs}

    def encode(self, inputs: Tensor, output: str) -> np.ndarray:
        """Embed spectrograms (batch, 128, columns) as (batch, width), float32."""
        with torch.inference_mode():
            vectors = self._embed(inputs)
            if output == "embedding" and self._projection is not None:
                vectors = self._projection(vectors.double()).float()
            return vectors.numpy()


def _run_in_onnx(encoder: EfficientATEncoder) -> Callable[[Tensor], Tensor]:
    from .._onnx_network import OnnxNetwork
    from ._student_graph import BodyGraph

    return OnnxNetwork(BodyGraph(encoder))
