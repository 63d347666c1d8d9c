"""A frozen EfficientAT: windows of sound in, embeddings and scores out."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...weights import WeightsReference
from .._devices import ONNX_RUNTIME, choose_device_of_exported
from .._network_cache import keep_network
from .._window_encoder import WindowEncoder
from ._efficientat_front_end import (
    COLUMNS_AT_ONCE,
    N_BANDS,
    RATE,
    SHORTEST,
    LogMel,
    count_columns,
)
from ._efficientat_network import N_CLASSES, EfficientAT, random_efficientat
from ._efficientat_state import build_efficientat
from ._folded_efficientat import FoldedEfficientAT

# Of a spectrogram of 1000 columns, ten seconds, the largest map is 8 MB. More at once gains
# nothing on a CPU.
_COLUMNS_PER_BATCH = {"cpu": 4000, "cuda": 64000}


class LogMelEncoder(WindowEncoder):
    """Base of the encoders that embed the log-mel spectrograms of windows of any length.

    Parameters
    ----------
    device : str
        Torch device.
    """

    sampling_rate = RATE
    windows_at_once = 32

    def __init__(self, device: str):
        super().__init__(device)
        self._front_end = LogMel().to(self._device)

    def batch_limit(self, columns: int) -> int:
        """Most spectrograms of so many columns that are worth computing together."""
        limit = _COLUMNS_PER_BATCH.get(self.device_type, _COLUMNS_PER_BATCH["cpu"])
        return max(limit // columns, 1)

    def _compute_inputs(self, frames: np.ndarray, hop: int) -> Tensor:
        """Turn windows (n, length) into spectrograms (n, 128, columns), a few at a time."""
        lacking = max(SHORTEST - frames.shape[1], 0)
        frames = np.pad(frames, ((0, 0), (0, lacking))) if lacking else frames
        size = max(COLUMNS_AT_ONCE // count_columns(frames.shape[1]), 1)
        parts = (frames[start : start + size] for start in range(0, len(frames), size))
        return torch.cat([self._front_end(self._to_device(part)) for part in parts])


class FrozenEfficientAT(LogMelEncoder):
    """Embed windows, or score the classes of AudioSet in them.

    Parameters
    ----------
    network : EfficientAT
        The network, in eval mode.
    device : str
        Torch device, or ``"onnxruntime"``.
    """

    def __init__(self, network: EfficientAT, device: str):
        super().__init__(device)
        self._encoders = (
            _run_in_onnx(network)
            if device == ONNX_RUNTIME
            else _run_in_torch(network, self._device)
        )
        self.widths = {
            "embedding": network.width,
            "scores": N_CLASSES,
            "mid": N_BANDS + sum(network.middle_widths),
        }

    def encode(self, inputs: Tensor, output: str) -> np.ndarray:
        """Embed spectrograms (batch, 128, columns) as (batch, width), float32."""
        with torch.inference_mode():
            return self._encoders[output](inputs).numpy()


_Encoders = dict[str, Callable[[Tensor], Tensor]]


def _run_in_torch(network: EfficientAT, device: torch.device) -> _Encoders:
    folded = FoldedEfficientAT(network, device)
    return {"embedding": folded.embed, "scores": folded.score, "mid": folded.middle_means}


def _run_in_onnx(network: EfficientAT) -> _Encoders:
    from .._onnx_network import OnnxNetwork
    from ._efficientat_graph import EfficientATGraph, EfficientATNetworkGraph

    scores = EfficientATGraph(network, "scores")
    embed = OnnxNetwork(scores.network)
    traced: dict[str, OnnxNetwork] = {}
    lock = threading.Lock()

    def middle(inputs: Tensor) -> Tensor:
        with lock:  # traced only where it is asked for, which takes as long again
            if not traced:
                traced["mid"] = OnnxNetwork(EfficientATNetworkGraph(network, "mid"))
        return traced["mid"](inputs)

    return {"embedding": embed, "scores": lambda x: scores.finish(embed(x)), "mid": middle}


def get_frozen_efficientat(reference: WeightsReference, device: str) -> FrozenEfficientAT:
    """Build the EfficientAT that ``reference`` names, or take it from those built before.

    Parameters
    ----------
    reference : WeightsReference
        Which weights.
    device : str
        ``"auto"``, a torch device, or ``"onnxruntime"``.

    Raises
    ------
    ValueError
        If torch does not know the device, or has none of that kind.
    WeightsError
        If the weights are not those of EfficientAT.
    """
    device = choose_device_of_exported(device, "EfficientAT")
    return keep_network(
        ("efficientat", reference, device),
        lambda: FrozenEfficientAT(read_network(reference), device),
    )


def read_network(reference: WeightsReference) -> EfficientAT:
    """Read the network that is referred to, or draw it."""
    if reference.seed is not None:
        return random_efficientat(reference.seed)
    return build_efficientat(reference.read(), reference.label)
