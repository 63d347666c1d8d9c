"""Networks that this process has built, so that estimators need not carry theirs."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable

import torch

_KEPT = 4
_networks: OrderedDict[tuple, object] = OrderedDict()
_lock = threading.Lock()


def keep_network(key: tuple, build: Callable):
    """Give the network under ``key``, built where it is not kept.

    Parameters
    ----------
    key : tuple
        All that the network depends on.
    build : callable
        Makes it. The networks that were asked for longest ago make room.
    """
    with _lock:
        if key not in _networks:
            _networks[key] = build()
        _networks.move_to_end(key)
        while len(_networks) > _KEPT:
            _networks.popitem(last=False)
        return _networks[key]


def _free_lock() -> None:
    """Take a new lock in a forked process: of the former one, the holder may be gone."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_lock)


def choose_torch_device(device: str, network: str) -> str:
    """Resolve a device for a network that does not run in OpenVINO.

    Raises
    ------
    ValueError
        If that is asked for, or torch does not know the device, or has none of that kind.
    """
    if device == "openvino":
        raise ValueError(f"device='openvino' runs Wav2CLIP, not {network}: choose 'cpu'")
    return choose_device(device)


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
