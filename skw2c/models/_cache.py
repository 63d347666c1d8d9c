"""Networks that this process has built, so that estimators need not carry theirs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import torch

from ..weights import CLIPReference, WeightsReference
from ._clip import FrozenCLIP, build_clip
from ._contract import FrozenEncoder
from ._frozen import FrozenWav2CLIP
from ._frozen_module import FrozenModule, restore_module
from ._state import build_wav2clip
from ._wav2clip import random_wav2clip

_KEPT = 4
_networks: OrderedDict[tuple, FrozenEncoder | FrozenCLIP] = OrderedDict()
_lock = threading.Lock()


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
    key = (reference, device, None if _is_ours(reference) else id(reference.held))
    return _keep(key, lambda: _freeze(reference, device))


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
    if device == "openvino":
        raise ValueError("device='openvino' runs the encoder of sound, not CLIP: choose 'cpu'")
    device = choose_device(device)
    return _keep((reference, device), lambda: build_clip(reference, device))


def _keep(key: tuple, build: Callable):
    """The network under ``key``, built where it is not kept; the oldest ones make room."""
    with _lock:
        if key not in _networks:
            _networks[key] = build()
        _networks.move_to_end(key)
        while len(_networks) > _KEPT:
            _networks.popitem(last=False)
        return _networks[key]


def choose_device(device: str) -> str:
    """Resolve ``"auto"``: the GPU where torch has CUDA, else the CPU."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "openvino":
        return device
    try:
        torch.zeros(0, device=device)
    except (RuntimeError, AssertionError) as exc:
        first_line = str(exc).partition("\n")[0]
        raise ValueError(
            f"device={device!r} cannot be used ({first_line}). Choose 'auto', 'cpu', or a "
            "device that torch has here."
        ) from exc
    return device


def _is_ours(reference: WeightsReference) -> bool:
    return reference.held is None or reference.held.encoder is None


def _freeze(reference: WeightsReference, device: str) -> FrozenEncoder:
    if reference.seed is not None:
        return FrozenWav2CLIP(random_wav2clip(reference.seed), device)
    if not _is_ours(reference):
        encoder, projection = restore_module(reference.held.encoder, reference.read())
        return FrozenModule(encoder, projection, device)
    return FrozenWav2CLIP(build_wav2clip(reference.read(), reference.label), device)
