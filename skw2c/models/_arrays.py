"""Operations on arrays and on tensors of torch alike; torch is imported only for its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def concatenate(parts: Sequence[Any], axis: int = 0) -> Any:
    """Join arrays, or tensors, along an axis."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts, axis)
    import torch

    return torch.cat(tuple(parts), axis)


def split(values: Any, n_parts: int) -> Sequence[Any]:
    """Split an array, or a tensor, into so many parts of nearly the same length."""
    if isinstance(values, np.ndarray):
        return np.array_split(values, n_parts)
    return values.tensor_split(n_parts)


def to_double(values: Any) -> Any:
    """An array, or a tensor, in double precision; on the CPU if its device has none."""
    if isinstance(values, np.ndarray):
        return values.astype(np.float64)
    return (values.cpu() if values.device.type == "mps" else values).double()


def to_array(values: Any) -> np.ndarray:
    """An array as it is, or a tensor as one, from whatever device."""
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()
