"""Where a frozen network runs, and how exactly."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from ._devices import device_beside
from ._exact import exact_cudnn


class OnDevice:
    """What all frozen encoders know of the device that they run on.

    Parameters
    ----------
    device : str
        Torch device, or another engine for the CPU, beside which torch computes the rest.

    Attributes
    ----------
    one_at_a_time : bool
        Whether it takes turns, so that nothing is gained by feeding it from several threads.
    keeps_bits : bool
        Whether vectors have the same bits alone and in any batch.
    """

    one_at_a_time = False
    keeps_bits = False

    def __init__(self, device: str):
        self._device = torch.device(device_beside(device))

    @property
    def device_type(self) -> str:
        """Kind of device that the network runs on, such as ``"cpu"``."""
        return self._device.type

    @property
    def n_threads(self) -> int:
        """How many threads of the processor it may use."""
        return torch.get_num_threads()

    def exact(self) -> AbstractContextManager:
        """Keep torch from trading precision for speed, where the device would."""
        return exact_cudnn() if self.device_type == "cuda" else nullcontext()

    def _to_device(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.array(array)).to(self._device)
