"""A frozen YAMNet: windows of sound in, embeddings and scores out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...weights import WeightsReference
from .._devices import ONNX_RUNTIME, choose_device_of_exported
from .._network_cache import keep_network
from .._window_encoder import WindowEncoder
from ._yamnet_front_end import FRAME_HOP, N_BANDS, N_FRAMES, RATE, WINDOW_LENGTH, LogMel
from ._yamnet_network import YAMNet, YAMNetWeights, random_yamnet
from ._yamnet_state import read_yamnet

_WINDOWS_PER_BATCH = {"cpu": 64, "cuda": 512}


class FrozenYAMNet(WindowEncoder):
    """Embed windows of 15600 samples.

    Parameters
    ----------
    weights : YAMNetWeights
        What it computes with.
    device : str
        Torch device, or ``"onnxruntime"``.
    """

    sampling_rate = RATE

    def __init__(self, weights: YAMNetWeights, device: str):
        super().__init__(device)
        self._front_end = LogMel(self._device)
        self._network: Callable[[Tensor], Tensor] = (
            _run_in_onnx(weights) if device == ONNX_RUNTIME else YAMNet(weights, self._device)
        )
        # In double precision, because matrix products in single precision differ in the
        # last bit with the number of rows.
        self._kernel, self._bias = (value.double() for value in weights.classifier)
        n_classes, width = self._kernel.shape
        self.widths = {"embedding": width, "scores": n_classes, "log_mel": N_FRAMES * N_BANDS}

    def batch_limit(self, columns: int) -> int:
        """Most windows that are worth computing together."""
        return _WINDOWS_PER_BATCH.get(self.device_type, _WINDOWS_PER_BATCH["cpu"])

    def encode(self, inputs: Tensor, output: str) -> np.ndarray:
        """Embed patches (batch, 96, 64) as (batch, width), float32."""
        if output == "log_mel":
            return inputs.flatten(1).cpu().numpy()
        with torch.inference_mode():
            embeddings = self._network(inputs).cpu()
            if output == "embedding":
                return embeddings.numpy()
            scores = torch.sigmoid(embeddings.double() @ self._kernel.T + self._bias)
            return scores.float().numpy()

    def _compute_inputs(self, frames: np.ndarray, hop: int) -> Tensor:
        """Turn windows (n, 15600) into patches (n, 96, 64).

        Windows a whole number of frames apart share their frames: these are computed once.
        """
        if hop % FRAME_HOP or hop >= WINDOW_LENGTH:
            return self._front_end(self._to_device(frames))
        whole = np.concatenate([frames[:-1, :hop].ravel(), frames[-1]])
        spectrogram = self._front_end(self._to_device(whole[None]))[0]
        return spectrogram.unfold(0, N_FRAMES, hop // FRAME_HOP).transpose(1, 2).contiguous()


def _run_in_onnx(weights: YAMNetWeights) -> Callable[[Tensor], Tensor]:
    from .._onnx_network import OnnxNetwork
    from ._yamnet_graph import YAMNetNetworkGraph

    maps = OnnxNetwork(YAMNetNetworkGraph(weights))
    return lambda inputs: maps(inputs).mean((2, 3))


def get_frozen_yamnet(reference: WeightsReference, device: str) -> FrozenYAMNet:
    """Build the YAMNet that ``reference`` names, or take it from those built before.

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
        If the weights are not those of YAMNet.
    """
    device = choose_device_of_exported(device, "YAMNet")
    return keep_network(
        ("yamnet", reference, device), lambda: FrozenYAMNet(read_weights(reference), device)
    )


def read_weights(reference: WeightsReference) -> YAMNetWeights:
    """Read the weights that are referred to, or draw them."""
    if reference.seed is not None:
        return random_yamnet(reference.seed)
    return read_yamnet(reference.read(), reference.label)
