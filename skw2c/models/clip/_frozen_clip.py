"""CLIP of open_clip, frozen: texts and images to vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...weights import CLIPReference, import_open_clip
from .._devices import choose_torch_device
from .._exact import exact_cudnn
from .._network_cache import keep_network
from ._clip_network import CLIPNetwork, build_clip


class FrozenCLIP:
    """Texts and images to vectors, by the model and the transforms of open_clip.

    Parameters
    ----------
    network : CLIPNetwork
        Model, tokenizer and what is known of them.
    device : str
        A torch device.
    """

    def __init__(self, network: CLIPNetwork, device: str):
        model: Any = network.model  # of open_clip
        self._model = model.eval().requires_grad_(False).to(device)
        self._tokenizer = network.tokenizer
        self._device = device
        self._transform = _image_transform(model)
        self._mean, self._std = (
            torch.tensor(model.visual.preprocess_cfg[name], device=device)[:, None, None]
            for name in ("mean", "std")
        )
        self.width = network.width
        self.widths = {"embedding": network.width}
        self.quick_gelu = network.quick_gelu

    @property
    def device_type(self) -> str:
        return torch.device(self._device).type

    @property
    def n_threads(self) -> int:
        """How many threads of the processor it may use."""
        return torch.get_num_threads()

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images that the network takes."""
        size = self._model.visual.preprocess_cfg["size"]
        return (size, size) if isinstance(size, int) else tuple(size)

    exact = staticmethod(exact_cudnn)

    def count_cut(self, texts: list[str]) -> int:
        """How many texts are longer than the model can read, and lose their end."""
        encode = getattr(self._tokenizer, "encode", None)
        length = getattr(self._tokenizer, "context_length", None)
        if encode is None or not length:
            return 0
        # A token stands for at least one byte, and two mark the start and the end.
        long = (text for text in texts if len(text.encode()) > length - 2)
        return sum(len(encode(text)) > length - 2 for text in long)

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        """Embed texts as (n_texts, width), float32."""
        with torch.inference_mode():
            return _to_array(self._model.encode_text(self._tokenizer(texts).to(self._device)))

    def prepare_image(self, image) -> Tensor:
        """Resize, crop and normalise a PIL image in RGB as (3, height, width)."""
        return self._transform(image)

    def encode_images(self, inputs: list[Tensor]) -> np.ndarray:
        """Embed prepared images as (n_images, width), float32."""
        with torch.inference_mode():
            return _to_array(self._model.encode_image(torch.stack(inputs).to(self._device)))

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Embed pixels (n, 3, height, width) in [0, 1] as (n, width), with the gradient.

        The images have the size that the network takes, `image_size`.
        """
        return self._model.encode_image((pixels - self._mean) / self._std).float()


def _to_array(vectors: Tensor) -> np.ndarray:
    return vectors.float().cpu().numpy()


def _image_transform(model):
    open_clip = import_open_clip()
    wanted = model.visual.preprocess_cfg
    names = ("mean", "std", "interpolation", "resize_mode", "fill_color")
    return open_clip.image_transform(
        wanted["size"], is_train=False, **{name: wanted[name] for name in names}
    )


def get_frozen_clip(reference: CLIPReference, device: str) -> FrozenCLIP:
    """Build the CLIP that ``reference`` names, or take it from those built before.

    Parameters
    ----------
    reference : CLIPReference
        Which model and weights.
    device : str
        ``"auto"`` or a torch device.

    Raises
    ------
    ValueError
        If torch does not know the device, or has none of that kind.
    """
    device = choose_torch_device(device, "CLIP")
    return keep_network(
        ("clip", reference, device), lambda: FrozenCLIP(build_clip(reference), device)
    )
