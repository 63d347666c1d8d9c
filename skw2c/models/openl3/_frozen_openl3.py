"""Frozen encoders of OpenL3: windows of sound, or images, to vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ...exceptions import ImageError
from ...weights import WeightsReference
from .._devices import ONNX_RUNTIME, choose_device_of_exported, choose_torch_device
from .._network_cache import keep_network
from .._on_device import OnDevice
from .._window_encoder import WindowEncoder
from ._openl3_front_end import SAMPLING_RATE, FrontEnd
from ._openl3_network import FoldedOpenL3, OpenL3Network, random_openl3, read_out
from ._openl3_state import build_openl3

# Rows and columns of the cells whose maxima make a vector of each size.
AUDIO_GRIDS = {512: (1, 1), 6144: (4, 3)}
IMAGE_GRIDS = {512: (1, 1), 8192: (4, 4)}

# More inputs at once gain nothing on a CPU, and their first maps are 13 MB each.
_INPUTS_PER_BATCH = {"cpu": 2, "cuda": 64}
# Frames overlap eightfold and are in double precision: four windows become 13 MB.
_WINDOWS_PER_TRANSFORM = 4
_SIDE, _SHORTEST_RESIZED = 224, 256


class FrozenOpenL3(WindowEncoder):
    """Embed windows of one second.

    Its outputs are named by the size of the embedding, ``"512"`` or ``"6144"``.

    Parameters
    ----------
    network : OpenL3Network
        The network of sound, in eval mode.
    input_repr : {"linear", "mel128", "mel256"}
        What it was trained on.
    frontend : {"kapre-0.1", "kapre-0.3", "librosa"}
        Which release's spectrograms it is fed with.
    device : str
        A torch device, or ``"onnxruntime"``.
    """

    sampling_rate = SAMPLING_RATE
    windows_at_once = 64

    def __init__(self, network: OpenL3Network, input_repr: str, frontend: str, device: str):
        super().__init__(device)
        self._front_end = FrontEnd(input_repr, frontend, self._device)
        self._network = (
            self._run_in_onnx(network)
            if device == ONNX_RUNTIME
            else FoldedOpenL3(network, self._device)
        )
        self.widths = _list_widths(network.width, AUDIO_GRIDS)

    def batch_limit(self, columns: int) -> int:
        """Most windows that are worth computing together."""
        return _batch_limit(self._device)

    def encode(self, inputs: Tensor, output: str) -> np.ndarray:
        """Embed spectrograms (batch, rows, columns) as (batch, width), float32."""
        with torch.inference_mode():
            maps = self._network(inputs[:, None])
            return read_out(maps, AUDIO_GRIDS[int(output)]).cpu().numpy()

    def _run_in_onnx(self, network: OpenL3Network) -> Callable[[Tensor], Tensor]:
        from .._onnx_network import OnnxNetwork
        from ._openl3_graph import OpenL3NetworkGraph

        spectrogram = self._front_end(torch.zeros(1, SAMPLING_RATE))
        return OnnxNetwork(OpenL3NetworkGraph(network, spectrogram.shape[1:]))

    def _compute_inputs(self, frames: np.ndarray, hop: int) -> Tensor:
        """Turn windows (n_windows, 48000) into spectrograms, a few at a time."""
        starts = range(0, len(frames), _WINDOWS_PER_TRANSFORM)
        parts = (frames[start : start + _WINDOWS_PER_TRANSFORM] for start in starts)
        return torch.cat([self._front_end(self._to_device(part)) for part in parts])


class FrozenOpenL3Image(OnDevice):
    """Embed images.

    Parameters
    ----------
    network : FoldedOpenL3
        The network of images, on the device.
    embedding_size : {512, 8192}
        Size of the embedding.
    device : str
        A torch device.
    """

    def __init__(self, network: FoldedOpenL3, embedding_size: int, device: str):
        super().__init__(device)
        self._network = network
        self._grid = IMAGE_GRIDS[embedding_size]
        self.widths = _list_widths(network.width, IMAGE_GRIDS)

    def prepare_image(self, image) -> Tensor:
        """Resize and crop a PIL image in RGB as (3, 224, 224), float32 from -1 to 1.

        Raises
        ------
        ImageError
            If it is smaller than that.
        """
        width, height = image.size
        if min(width, height) < _SIDE:
            raise ImageError(
                f"it is {width} x {height} pixels, and OpenL3 takes images of at least "
                f"{_SIDE} x {_SIDE}: enlarge it"
            )
        # In single precision, the places between pixels would be off by up to 1e-4.
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).double() / 255
        factor = _SHORTEST_RESIZED / min(width, height)
        if factor < 1:
            size = (round(height * factor), round(width * factor))
            pixels = interpolate(pixels[None], size, mode="bilinear", antialias=False)[0]
        top, left = (length // 2 - _SIDE // 2 for length in pixels.shape[1:])
        return (2 * pixels[:, top : top + _SIDE, left : left + _SIDE] - 1).float()

    def encode_images(self, inputs: list[Tensor]) -> np.ndarray:
        """Embed prepared images as (n_images, width), float32."""
        with torch.inference_mode():
            parts = torch.stack(inputs).split(_batch_limit(self._device))
            maps = (self._network(part.to(self._device)) for part in parts)
            return torch.cat([read_out(part, self._grid).cpu() for part in maps]).numpy()


def _list_widths(n_channels: int, grids: dict[int, tuple[int, int]]) -> dict[str, int]:
    return {str(size): n_channels * rows * columns for size, (rows, columns) in grids.items()}


def _batch_limit(device: torch.device) -> int:
    return _INPUTS_PER_BATCH.get(device.type, _INPUTS_PER_BATCH["cpu"])


def get_frozen_openl3(
    reference: WeightsReference, device: str, input_repr: str, frontend: str
) -> FrozenOpenL3:
    """Build the encoder of sound, or take it from those built before.

    Parameters
    ----------
    reference : WeightsReference
        Which weights.
    device : str
        ``"auto"`` or a torch device.
    input_repr : {"linear", "mel128", "mel256"}
        What the network was trained on.
    frontend : {"kapre-0.1", "kapre-0.3", "librosa"}
        Which release's spectrograms it is fed with.

    Raises
    ------
    ValueError
        If torch does not know the device, or has none of that kind.
    WeightsError
        If the weights are damaged, or of another network.
    """
    device = choose_device_of_exported(device, "OpenL3")
    return keep_network(
        ("openl3", reference, device, input_repr, frontend),
        lambda: FrozenOpenL3(
            read_network(reference, "audio", input_repr), input_repr, frontend, device
        ),
    )


def get_frozen_openl3_image(
    reference: WeightsReference, device: str, embedding_size: int
) -> FrozenOpenL3Image:
    """Build the encoder of images, on a network that may have been built before.

    Parameters
    ----------
    reference : WeightsReference
        Which weights.
    device : str
        ``"auto"`` or a torch device.
    embedding_size : {512, 8192}
        Size of the embedding.

    Raises
    ------
    ValueError
        If torch does not know the device, or has none of that kind.
    WeightsError
        If the weights are damaged, or of another network.
    """
    device = choose_torch_device(device, "OpenL3")
    network = keep_network(
        ("openl3-image", reference, device),
        lambda: FoldedOpenL3(read_network(reference, "image"), torch.device(device)),
    )
    return FrozenOpenL3Image(network, embedding_size, device)


def read_network(
    reference: WeightsReference, side: str, input_repr: str | None = None
) -> OpenL3Network:
    """Read the network that is referred to, or draw it."""
    if reference.seed is not None:
        return random_openl3(side, reference.seed)
    return build_openl3(reference.read(), reference.label, side, input_repr)
