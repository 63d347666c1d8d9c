"""A frozen Wav2CLIP encoder in torch: waveforms in, vectors out, nothing trained."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from ...system._optional import is_installed
from .._devices import OPENVINO
from .._framing import Framing
from .._on_device import OnDevice
from ._configuration import MOBILE
from ._folded_network import fold_network
from ._openvino_network import OpenVINONetwork
from ._portable_network import PortableNetwork
from ._wav2clip_flow import Wav2CLIPFlow
from ._wav2clip_network import Wav2CLIP


class FrozenWav2CLIP(Wav2CLIPFlow, OnDevice):
    """Embed clips with fixed weights, the same clip always in the same way.

    Parameters
    ----------
    model : Wav2CLIP
        Model in eval mode.
    device : str
        Torch device, or ``"openvino"`` for the CPU through OpenVINO.
    """

    def __init__(self, model: Wav2CLIP, device: str):
        super().__init__(device)
        encoder = model.audio_encoder
        self._front_end = encoder.spectrogram.to(self._device)
        self._stride, self._reach = encoder.time_stride, encoder.reach
        self._network = _choose_network(model, device, self._device)
        self.keeps_bits = isinstance(self._network, PortableNetwork)
        # In double precision, because matrix products in single precision differ in the
        # last bit with the number of rows.
        self._projections = {
            output: copy.deepcopy(projection).double()
            for output, projection in model.projections().items()
        }
        self.widths = {"encoder": encoder.n_features, "embedding": model.n_outputs}
        if model.n_words is not None:
            self.widths["words"] = model.n_words

    @torch.inference_mode()
    def prepare(self, waveform: np.ndarray, framing: Framing | None) -> Tensor:
        """Turn (n_samples,) into the network's input, (n_frames, 257, columns)."""
        return super().prepare(waveform, framing)

    @torch.inference_mode()
    def encode(self, inputs: Tensor, output: str) -> np.ndarray:
        """Embed prepared inputs (batch, 257, columns) as (batch, width), float32."""
        return super().encode(inputs, output)

    @torch.inference_mode()
    def embed_blocks(
        self,
        open_blocks: Callable[[], Iterable[np.ndarray]],
        framing: Framing | None,
        output: str,
    ) -> Iterator[np.ndarray]:
        """Embed a long clip in bounded memory, reading it twice."""
        yield from super().embed_blocks(open_blocks, framing, output)

    def _transform(self, waveforms: np.ndarray, center: bool = True) -> Tensor:
        return self._front_end(self._to_device(waveforms), center=center)

    def _finish(self, features: Tensor | np.ndarray, output: str) -> np.ndarray:
        features = torch.as_tensor(features).cpu()
        projection = self._projections.get(output)
        vectors = features if projection is None else projection(features.double())
        return vectors.float().numpy()


def _choose_network(
    model: Wav2CLIP, device: str, torch_device: torch.device
) -> Callable[[Tensor], Tensor]:
    """What is quickest there; a mobilenet needs ONNX Runtime for it on a CPU."""
    encoder = model.audio_encoder
    if device == OPENVINO:
        return OpenVINONetwork(encoder)
    on_cpu = torch_device.type == "cpu"
    if on_cpu and model.architecture == MOBILE and is_installed("onnxruntime"):
        return PortableNetwork(model)
    return fold_network(encoder, torch_device)
