"""Weights that were trained in this process and live in its memory."""

from __future__ import annotations

import copy
import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class InMemoryWeights:
    """Trained tensors, and the module that they belong to where it is not one of skw2c.

    Attributes
    ----------
    arrays : dict of str to ndarray
        The tensors, as arrays, so that pickles hold no objects of torch.
    encoder : nn.Module or None
        A copy of the user's module, for its form; its weights are in ``arrays``.
    facts : dict of str to str or None
        What is known of them, as the metadata of a file.
    """

    arrays: dict[str, np.ndarray]
    encoder: nn.Module | None = None
    facts: Mapping[str, str] | None = None

    @classmethod
    def of(cls, state: Mapping[str, Tensor], encoder: nn.Module | None = None) -> InMemoryWeights:
        """Copy the tensors of a state dict."""
        arrays = {name: _to_array(value) for name, value in state.items()}
        return cls(arrays, copy.deepcopy(encoder).cpu() if encoder is not None else None)

    def __deepcopy__(self, memo) -> InMemoryWeights:
        return self  # nothing in it is ever changed

    def tensors(self) -> dict[str, Tensor]:
        """The state dict."""
        import torch

        return {name: torch.from_numpy(value.copy()) for name, value in self.arrays.items()}

    def checksum(self) -> str:
        """SHA-256 of names, shapes, types and values, and of the module's form."""
        form = "" if self.encoder is None else fingerprint_module(self.encoder)
        digest = hashlib.sha256(form.encode())
        for name, value in sorted(self.arrays.items()):
            digest.update(f"{name} {value.shape} {value.dtype.str}".encode())
            digest.update(np.ascontiguousarray(value).data)
        return digest.hexdigest()


def _to_array(value: Tensor) -> np.ndarray:
    import torch

    value = value.detach().cpu()
    return (value.float() if value.dtype == torch.bfloat16 else value).numpy().copy()


def fingerprint_module(module: nn.Module) -> str:
    """Compute the SHA-256 of a module's structure.

    Parameters
    ----------
    module : nn.Module
        The module. Its layers, plain attributes and, if known, its source count; the values of
        its weights do not.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> from torch import nn
    >>> from skw2c.weights import fingerprint_module
    >>> fingerprint_module(nn.Linear(2, 3)) == fingerprint_module(nn.Linear(2, 3))
    True
    >>> fingerprint_module(nn.Linear(2, 3)) == fingerprint_module(nn.Linear(2, 4))
    False
    """
    digest = hashlib.sha256(repr(module).encode())
    for part in module.modules():
        if not type(part).__module__.startswith("torch."):
            plain = {name: v for name, v in vars(part).items() if not name.startswith("_")}
            digest.update(f"{type(part).__qualname__} {sorted(plain.items())!r}".encode())
            digest.update(_source_of(type(part)).encode())
    return digest.hexdigest()


def _source_of(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        return ""
