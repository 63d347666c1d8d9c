"""The encoder of Wav2CLIP, and those that were trained as it was, as they run frozen."""

from __future__ import annotations

from typing import Protocol

from ...weights import WeightsReference
from .._framing import Framing
from .._frozen_encoder import FrozenEncoder
from .._network_cache import keep_network
from .._on_device import choose_device
from ..wav2clip import FrozenWav2CLIP, Wav2CLIP, build_wav2clip, random_wav2clip
from ._efficientat_student import (
    EfficientATStudent,
    FrozenEfficientATStudent,
    build_efficientat_student,
    is_efficientat_student,
)
from ._frozen_module import FrozenModule, restore_module


class FrozenStudent(FrozenEncoder, Protocol):
    """What such an encoder offers beyond others: it says by itself what it hears.

    Attributes
    ----------
    shortest : int
        Fewest samples of a window.
    heeds_scale : bool
        Whether its vectors depend on how large the samples are.
    clip_framing : Framing or None
        The windows whose vectors make that of a clip; None where it sees a clip as a whole.
    """

    shortest: int
    heeds_scale: bool
    clip_framing: Framing | None


def get_frozen_student(reference: WeightsReference, device: str) -> FrozenStudent:
    """Build the network that ``reference`` names, or take it from those built before.

    Which one it is, and the rate that it takes, its tensors tell.

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
    module = None if is_ours(reference) else id(reference.in_memory)
    key = ("wav2clip", reference, device, module)
    return keep_network(key, lambda: _freeze(reference, device))


def is_ours(reference: WeightsReference) -> bool:
    """Whether a network is one of those that are made here."""
    return reference.in_memory is None or reference.in_memory.encoder is None


def _freeze(reference: WeightsReference, device: str) -> FrozenStudent:
    if not is_ours(reference):
        encoder, projection = restore_module(reference.in_memory.encoder, reference.read())
        return FrozenModule(encoder, projection, device)
    network = read_network(reference)
    if isinstance(network, EfficientATStudent):
        return FrozenEfficientATStudent(network, device)
    return FrozenWav2CLIP(network, device)


def read_network(reference: WeightsReference) -> Wav2CLIP | EfficientATStudent:
    """Read the network that is referred to, or draw it; not one of the user's own making."""
    if reference.seed is not None:
        return random_wav2clip(reference.seed)
    state = reference.read()
    if is_efficientat_student(state):
        return build_efficientat_student(state, reference.label)
    return build_wav2clip(state, reference.label)
