"""The encoder of Wav2CLIP, and those that were trained as it was, as they run frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ...system._optional import need_torch
from ...weights import WeightsReference
from .._devices import ONNX_RUNTIME, choose_device, choose_torch_device
from .._framing import Framing, Windows
from .._frozen_encoder import FrozenEncoder, OwnInputs
from .._network_cache import keep_network
from ..wav2clip._portable_wav2clip import FLOAT32, INT8, PortableWav2CLIP
from ._names_of_entries import is_efficientat_student

if TYPE_CHECKING:
    from torch import nn

    from ..wav2clip import Wav2CLIP
    from ._efficientat_student import EfficientATStudent


class FrozenStudent(FrozenEncoder[Windows, OwnInputs], Protocol):
    """What such an encoder offers beyond others: it says by itself what it hears.

    Which windows and inputs it takes depends on the weights.

    Attributes
    ----------
    shortest : int
        Fewest samples of a window.
    clip_framing : Framing or None
        The windows whose vectors make that of a clip; None where it sees a clip as a whole.
    """

    shortest: int
    clip_framing: Framing | None


def get_frozen_student(
    reference: WeightsReference, device: str, precision: str = FLOAT32
) -> FrozenStudent:
    """Build the network that ``reference`` names, or take it from those built before.

    Which one it is, and the rate that it takes, its tensors tell.

    Parameters
    ----------
    reference : WeightsReference
        Which weights.
    device : str
        ``"auto"``, a torch device, ``"openvino"`` or ``"onnxruntime"``.
    precision : {"float32", "int8"}, default="float32"
        Of the network.

    Raises
    ------
    OptionalDependencyError
        If a package is not installed that runs it there.
    ValueError
        If torch does not know the device, or has none of that kind; or if the device or the network
        has not the precision.
    """
    device = _choose_device(device, precision)
    # Modules of the user's own may differ where nothing that can be compared does.
    module = None if is_ours(reference) else id(reference.in_memory)
    key = ("wav2clip", reference, device, precision, module)
    return keep_network(key, lambda: _freeze(reference, device, precision))


def _choose_device(device: str, precision: str) -> str:
    if precision == FLOAT32:
        return choose_device(device, portable=True)
    if device not in ("auto", ONNX_RUNTIME):
        raise ValueError(
            f"precision={precision!r} runs in ONNX Runtime, not on device={device!r}: choose "
            "device='onnxruntime' or precision='float32'"
        )
    return ONNX_RUNTIME


def is_ours(reference: WeightsReference) -> bool:
    """Whether a network is one of those that are made here."""
    return _module_of(reference) is None


def _module_of(reference: WeightsReference) -> nn.Module | None:
    """The module of the user's own making; None for a network that is made here."""
    return None if reference.in_memory is None else reference.in_memory.encoder


def _freeze(reference: WeightsReference, device: str, precision: str) -> FrozenStudent:
    if device == ONNX_RUNTIME and reference.seed is None and is_ours(reference):
        arrays = reference.read_arrays()
        if not is_efficientat_student(arrays):
            return PortableWav2CLIP(arrays, reference.label, precision)
    need_torch(f"this network (device={device!r}, {reference.label})")
    return _freeze_in_torch(reference, device, precision)


def _freeze_in_torch(reference: WeightsReference, device: str, precision: str) -> FrozenStudent:
    from ..wav2clip import FrozenWav2CLIP
    from ._efficientat_student import EfficientATStudent, FrozenEfficientATStudent
    from ._frozen_module import FrozenModule, restore_module

    module = _module_of(reference)
    if module is not None:
        _refuse_int8(precision, "modules of your own making")
        device = choose_torch_device(device, "modules of your own making")
        encoder, projection = restore_module(module, reference.read())
        return FrozenModule(encoder, projection, device)
    network = read_network(reference)
    if isinstance(network, EfficientATStudent):
        _refuse_int8(precision, f"the network of EfficientAT ({reference.label})")
        return FrozenEfficientATStudent(network, device)
    if device == ONNX_RUNTIME:
        state = {name: value.numpy() for name, value in network.state_dict().items()}
        return PortableWav2CLIP(state, reference.label, precision)
    return FrozenWav2CLIP(network, device)


def _refuse_int8(precision: str, network: str) -> None:
    if precision == INT8:
        raise ValueError(
            f"precision='int8' is for the networks of Wav2CLIP and of mini, not for {network}: "
            "choose precision='float32'"
        )


def read_network(reference: WeightsReference) -> Wav2CLIP | EfficientATStudent:
    """Read the network that is referred to, or draw it; not one of the user's own making."""
    from ..wav2clip import build_wav2clip, random_wav2clip
    from ._efficientat_student import build_efficientat_student

    if reference.seed is not None:
        return random_wav2clip(reference.seed)
    state = reference.read()
    if is_efficientat_student(state):
        return build_efficientat_student(state, reference.label)
    return build_wav2clip(state, reference.label)
