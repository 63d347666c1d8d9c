"""Import packages that only some installations have, where they are used."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from ..exceptions import OptionalDependencyError

_TORCH = "torch"


def import_optional(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import ``module``, or name the extra that brings it and what it is needed for."""
    try:
        return importlib.import_module(module)
    except ImportError as exc:
        raise OptionalDependencyError(
            f"{purpose} needs the package {module!r}, which cannot be imported ({exc}). "
            f'Install it with: pip install "skw2c[{extra}]"'
        ) from exc


def is_installed(module: str) -> bool:
    """Whether a package can be found; it is not imported."""
    if module in sys.modules:
        return sys.modules[module] is not None
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def is_lack_of_torch(error: ImportError) -> bool:
    """Whether torch is what could not be imported."""
    return (error.name or "").split(".")[0] == _TORCH


def need_torch(purpose: str) -> ModuleType:
    """Import torch, or say that ``purpose`` needs it and which extra brings it."""
    return import_optional(_TORCH, extra=_TORCH, purpose=purpose)
