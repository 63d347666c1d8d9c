"""CLAP, frozen: windows of sound to vectors, and texts to vectors in the same space."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...exceptions import WeightsError
from ...weights import WeightsReference, fetch_file
from .._devices import ONNX_RUNTIME, choose_device_of_exported, choose_torch_device
from .._network_cache import keep_network
from .._on_device import OnDevice
from .._window_encoder import WindowEncoder
from ._clap_description import describe_clap
from ._clap_front_end import N_BANDS, N_FRAMES, RATE, LogMel
from ._clap_network import AudioSide, TextSide, random_audio_side
from ._clap_state import AUDIO_ENTRIES, TEXT_ENTRIES, build_audio_side, build_text_side
from ._clap_tokenizer import Tokenizer

_WINDOWS_PER_BATCH = {"cpu": 1, "cuda": 64}
_TOKENIZER = "clap-tokenizer"  # that of RoBERTa-base, with which all of LAION's were trained
_FAR_APART = ("a dog barks", "violin music")
_ALIKE = 0.95
"""Cosine of two unlike texts from which on a network of texts is dead or untrained."""


class FrozenCLAP(WindowEncoder):
    """Embed windows of up to ten seconds.

    Parameters
    ----------
    side : AudioSide
        In eval mode.
    edges : tuple of float
        Lowest and highest frequency of the filters, in Hz.
    device : str
        A torch device, or ``"onnxruntime"``.
    """

    sampling_rate = RATE
    windows_at_once = 32

    def __init__(self, side: AudioSide, edges: tuple[float, float], device: str):
        super().__init__(device)
        self._front_end = LogMel(side.fused, *edges, self._device)
        self._network = (
            _run_in_onnx(side) if device == ONNX_RUNTIME else side.network.to(self._device)
        )
        # In double precision, because matrix products in single precision differ in the last bit
        # with the number of rows.
        self._projection = side.projection.double()
        self.temperature = side.temperature
        self.widths = {
            "embedding": side.projection.linear2.out_features,
            "hidden": side.network.width,
            "log_mel": N_BANDS * N_FRAMES,
        }

    def batch_limit(self, columns: int) -> int:
        """Most windows that are worth computing together."""
        return _WINDOWS_PER_BATCH.get(self.device_type, _WINDOWS_PER_BATCH["cpu"])

    def encode(self, inputs: Tensor, output: str) -> np.ndarray:
        """Embed spectrograms (batch, 64, 1001) as (batch, width), float32."""
        if output == "log_mel":
            return inputs.transpose(1, 2).flatten(1).cpu().numpy()
        with torch.inference_mode():
            hidden = self._network(inputs).cpu()
            if output == "hidden":
                return hidden.numpy()
            return self._projection(hidden.double()).float().numpy()

    def _compute_inputs(self, frames: np.ndarray, hop: int) -> Tensor:
        """Turn windows (n, n_samples) into spectrograms (n, 64, 1001)."""
        return self._front_end(self._to_device(frames))


def _run_in_onnx(side: AudioSide) -> Callable[[Tensor], Tensor]:
    from .._onnx_network import OnnxNetwork
    from ._clap_graph import CLAPNetworkGraph

    return OnnxNetwork(CLAPNetworkGraph(side.network))


class FrozenCLAPText(OnDevice):
    """Embed texts.

    Parameters
    ----------
    side : TextSide
        In eval mode.
    tokenizer : Tokenizer
    device : str
        A torch device.
    """

    def __init__(self, side: TextSide, tokenizer: Tokenizer, device: str):
        super().__init__(device)
        self._side = side.to(self._device)
        self._tokenizer = tokenizer
        self.count_cut = tokenizer.count_cut
        self.widths = {"embedding": side.projection.linear2.out_features}

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        """Embed texts as (n_texts, width), float32."""
        with torch.inference_mode():
            return self._side(self._tokenizer(texts).to(self._device)).cpu().numpy()


def get_frozen_clap(reference: WeightsReference, device: str) -> FrozenCLAP:
    """Build the encoder of sound, or take it from those built before.

    Parameters
    ----------
    reference : WeightsReference
        Which weights.
    device : str
        ``"auto"``, a torch device, or for sound ``"onnxruntime"``.

    Raises
    ------
    ValueError
        If torch does not know the device, or has none of that kind.
    WeightsError
        If the weights are damaged, or of another network.
    """
    device = choose_device_of_exported(device, "CLAP")
    return keep_network(("clap", reference, device), lambda: _freeze(reference, device))


def get_frozen_clap_text(reference: WeightsReference, device: str) -> FrozenCLAPText:
    """Build the encoder of texts, or take it from those built before.

    Parameters are those of `get_frozen_clap`.

    Raises
    ------
    OptionalDependencyError
        If the package ``tokenizers`` is not installed.
    ValueError, WeightsError
        As `get_frozen_clap`; and if texts that are unlike get the same vector, because the network
        of texts is dead or was never trained.
    """
    device = choose_torch_device(device, "CLAP")
    return keep_network(("clap-text", reference, device), lambda: _freeze_text(reference, device))


def _freeze(reference: WeightsReference, device: str) -> FrozenCLAP:
    edges = describe_clap(reference).edges
    return FrozenCLAP(read_audio_side(reference), edges, device)


def read_audio_side(reference: WeightsReference) -> AudioSide:
    """Read the encoder of sound that is referred to, or draw it."""
    if reference.seed is not None:
        return random_audio_side(reference.seed)
    return build_audio_side(reference.read(AUDIO_ENTRIES), reference.label)


def _freeze_text(reference: WeightsReference, device: str) -> FrozenCLAPText:
    description = describe_clap(reference)
    side = build_text_side(reference.read(TEXT_ENTRIES), reference.label, description)
    content = reference.read_companion("tokenizer.json") or fetch_file(_TOKENIZER)
    tokenizer = Tokenizer(content, side.network.tokens.num_embeddings, reference.label)
    frozen = FrozenCLAPText(side, tokenizer, device)
    _check_alive(frozen, reference.label)
    return frozen


def _check_alive(frozen: FrozenCLAPText, source: str) -> None:
    """Refuse a network that tells no texts apart, as of files whose texts were lost."""
    one, other = frozen.encode_texts(list(_FAR_APART)).astype(np.float64)
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    if not lengths > 0 or not one @ other / lengths < _ALIKE:
        cosine = one @ other / lengths if lengths > 0 else np.nan
        raise WeightsError(
            f"{source} has a network of texts that does not work: {_FAR_APART[0]!r} and "
            f"{_FAR_APART[1]!r} have vectors with a cosine of {cosine:.4f}. It was never trained, "
            "or its weights were lost when the file was made; take the official file."
        )
