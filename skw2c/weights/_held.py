"""Weights that were trained in this process and are held in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class HeldWeights:
    """Trained tensors, and the module that they belong to where it is not ours.

    Attributes
    ----------
    arrays : dict of str to ndarray
        The tensors, as arrays, so that pickles hold no objects of torch.
    encoder : nn.Module or None
        The user's module, for its form; its weights are in ``arrays``.
    """

    arrays: dict[str, np.ndarray]
    encoder: nn.Module | None = None

    @classmethod
    def of(cls, state: Mapping[str, Tensor], encoder: nn.Module | None = None) -> HeldWeights:
        """Hold the tensors of a state dict."""
        return cls({name: value.cpu().numpy() for name, value in state.items()}, encoder)

    def __deepcopy__(self, memo) -> HeldWeights:
        return self  # nothing in it is ever changed

    def tensors(self) -> dict[str, Tensor]:
        """The state dict."""
        return {name: torch.from_numpy(value.copy()) for name, value in self.arrays.items()}

    def checksum(self) -> str:
        """SHA-256 of names, shapes, types and values."""
        digest = hashlib.sha256(repr(self.encoder).encode())
        for name, value in sorted(self.arrays.items()):
            digest.update(f"{name} {value.shape} {value.dtype.str}".encode())
            digest.update(np.ascontiguousarray(value))
        return digest.hexdigest()
