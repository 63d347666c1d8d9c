"""Which HEAR module, which of its weights: found by name, and told apart from all others."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import os
import sys
from dataclasses import dataclass

import torch
from torch import nn

from ...weights import sha256_of

FUNCTIONS = ("load_model", "get_scene_embeddings", "get_timestamp_embeddings")
"""What makes an object a HEAR module."""


@dataclass(frozen=True)
class HEARReference:
    """A HEAR module and its weights, as they were loaded.

    Attributes
    ----------
    module : str
        Name of the module, or of the class of the object that stands for one.
    version : str or None
        What it, or the package that it is in, states as ``__version__``.
    code : str
        SHA-256 of the source of its three functions, as far as there is one.
    weights : str
        What ``load_model`` was given; an absolute path where it is a file.
    sha256 : str or None
        Checksum of that file.
    state : str
        SHA-256 of the state of the model that was loaded.
    """

    module: str
    version: str | None
    code: str
    weights: str
    sha256: str | None
    state: str

    @property
    def fingerprint(self) -> str:
        """The same for the same module and weights, wherever they are."""
        weights = self.sha256 or self.weights
        return f"hear {self.module} {self.version} {self.code} {weights!r} {self.state}"


def find_module(module):
    """Import a HEAR module that is given by name; check that it has the three functions.

    Raises
    ------
    ImportError
        If there is no such module, or it cannot be imported.
    ValueError
        If it lacks a function of HEAR.
    """
    found = _import(module) if isinstance(module, str) else module
    lacking = [name for name in FUNCTIONS if not callable(getattr(found, name, None))]
    if lacking:
        raise ValueError(
            f"module={name_of(module)!r} lacks {' and '.join(lacking)}: a module of the HEAR API "
            f"has the functions {', '.join(FUNCTIONS)}. They are often in a module inside a "
            "package: name that one"
        )
    return found


def _import(name: str):
    try:
        return importlib.import_module(name)
    except (ImportError, ValueError) as exc:  # ValueError: an empty name
        raise ImportError(
            f"module={name!r} cannot be imported ({exc}): install the package that it comes "
            "with, or pass the module itself"
        ) from exc


def name_of(module) -> str:
    """What messages and references call a module, or the object that stands for one."""
    if isinstance(module, str):
        return module
    kind = type(module)
    return getattr(module, "__name__", None) or f"{kind.__module__}.{kind.__qualname__}"


def locate_weights(weights: str | os.PathLike) -> tuple[str, str | None]:
    """What to give to ``load_model``, and the checksum of it where it is a file."""
    weights = os.fspath(weights)
    path = os.path.abspath(os.path.expanduser(weights))
    if not weights or not os.path.isfile(path):
        return weights, None  # what else it can mean, the module knows
    return path, sha256_of(path)


def refer_to_loaded(
    name: str, module, weights: str, sha256: str | None, model: nn.Module
) -> HEARReference:
    """Make the reference of a model that was loaded."""
    state = _checksum_state(model)
    return HEARReference(name, _version_of(module), _checksum_code(module), weights, sha256, state)


def _version_of(module) -> str | None:
    package = sys.modules.get(getattr(module, "__name__", "").partition(".")[0])
    version = getattr(module, "__version__", None) or getattr(package, "__version__", None)
    return None if version is None else str(version)


def _checksum_code(module) -> str:
    digest = hashlib.sha256()
    for name in FUNCTIONS:
        digest.update(_source_of(getattr(module, name)).encode())
    return digest.hexdigest()


def _source_of(function) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return ""


def _checksum_state(model: nn.Module) -> str:
    """SHA-256 of names, shapes, types and values: unlike weights have the same file name."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if not isinstance(value, torch.Tensor):
            digest.update(f"{name} {value!r}".encode())
            continue
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        plain = value.detach().cpu().contiguous().flatten()
        digest.update(plain.view(torch.uint8).numpy().data)
    return digest.hexdigest()
