"""Where a frozen network runs, and how exactly."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from ._exact import exact_cudnn


class OnDevice:
    """What all frozen encoders know of the device that they run on.

    Parameters
    ----------
    device : str
        Torch device.

    Attributes
    ----------
    one_at_a_time : bool
        Whether it takes turns, so that nothing is gained by feeding it from several threads.
    """

    one_at_a_time = False

    def __init__(self, device: str):
        self._device = torch.device(device)

    @property
    def device_type(self) -> str:
        """Kind of device that the network runs on, such as ``"cpu"``."""
        return self._device.type

    def exact(self) -> AbstractContextManager:
        """Keep torch from trading precision for speed, where the device would."""
        return exact_cudnn() if self.device_type == "cuda" else nullcontext()

    def _to_device(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.array(array)).to(self._device)


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
