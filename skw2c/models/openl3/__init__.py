"""OpenL3: the networks of sound and of pictures, frozen."""

from __future__ import annotations

import torch

from ...weights import WeightsReference
from .._cache import choose_torch_device, keep_network
from ._front_end import FRONTENDS, INPUT_REPRS, SAMPLING_RATE
from ._frozen import AUDIO_GRIDS, IMAGE_GRIDS, FrozenOpenL3, FrozenOpenL3Image
from ._network import FoldedOpenL3, OpenL3Network, random_openl3, read_out
from ._state import build_openl3

AUDIO_SIZES, IMAGE_SIZES = tuple(AUDIO_GRIDS), tuple(IMAGE_GRIDS)

__all__ = [
    "AUDIO_SIZES",
    "FRONTENDS",
    "IMAGE_SIZES",
    "INPUT_REPRS",
    "SAMPLING_RATE",
    "get_frozen_openl3",
    "get_frozen_openl3_image",
    "random_openl3",
    "read_out",
]


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
    device = choose_torch_device(device, "OpenL3")
    return keep_network(
        ("openl3", reference, device, input_repr, frontend),
        lambda: FrozenOpenL3(_read(reference, "audio", input_repr), input_repr, frontend, device),
    )


def get_frozen_openl3_image(
    reference: WeightsReference, device: str, embedding_size: int
) -> FrozenOpenL3Image:
    """Build the encoder of pictures, on a network that may have been built before.

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
        lambda: FoldedOpenL3(_read(reference, "image"), torch.device(device)),
    )
    return FrozenOpenL3Image(network, embedding_size, device)


def _read(reference: WeightsReference, side: str, input_repr: str | None = None) -> OpenL3Network:
    if reference.seed is not None:
        return random_openl3(side, reference.seed)
    return build_openl3(reference.read(), reference.label, side, input_repr)
