"""The network that a reference to weights names, ready to run."""

from __future__ import annotations

from ..weights import CLIPReference, WeightsReference
from ._cache import choose_device, choose_torch_device, keep_network
from ._contract import FrozenEncoder
from ._state import build_wav2clip
from .clip._frozen_clip import FrozenCLIP, build_clip
from .wav2clip._frozen_module import FrozenModule, restore_module
from .wav2clip._frozen_wav2clip import FrozenWav2CLIP
from .wav2clip._network import random_wav2clip


def get_frozen_wav2clip(reference: WeightsReference, device: str) -> FrozenEncoder:
    """Build the network that ``reference`` names, or take it from those built before.

    Parameters
    ----------
    reference : WeightsReference
        Which weights.
    device : str
        ``"auto"``, a torch device, or ``"openvino"``.

    Raises
    ------
    ValueError
        If torch does not know the device, or has none of that kind.
    """
    device = choose_device(device)
    # Modules of the user's own may differ where nothing that can be compared does.
    module = None if _is_ours(reference) else id(reference.in_memory)
    key = ("wav2clip", reference, device, module)
    return keep_network(key, lambda: _freeze(reference, device))


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
    return keep_network(("clip", reference, device), lambda: build_clip(reference, device))


def _is_ours(reference: WeightsReference) -> bool:
    return reference.in_memory is None or reference.in_memory.encoder is None


def _freeze(reference: WeightsReference, device: str) -> FrozenEncoder:
    if reference.seed is not None:
        return FrozenWav2CLIP(random_wav2clip(reference.seed), device)
    if not _is_ours(reference):
        encoder, projection = restore_module(reference.in_memory.encoder, reference.read())
        return FrozenModule(encoder, projection, device)
    return FrozenWav2CLIP(build_wav2clip(reference.read(), reference.label), device)
