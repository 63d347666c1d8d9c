"""Tensors of torch as arrays, without importing torch."""

from __future__ import annotations

import numpy as np


def is_tensor(item) -> bool:
    """Whether an item is a torch tensor."""
    # Open files have a method `detach` too.
    return hasattr(item, "detach") and hasattr(item, "cpu")


def tensor_to_array(tensor) -> np.ndarray:
    """Copy a torch tensor to numpy, whatever its device and gradient."""
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor.float()  # numpy has no bfloat16
    return tensor.numpy()
