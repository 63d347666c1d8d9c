"""Import packages of the optional extras where they are used."""

import importlib
from types import ModuleType

from ..exceptions import OptionalDependencyError


def import_optional(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import ``module``, or name the extra that brings it and what it is needed for."""
    try:
        return importlib.import_module(module)
    except ImportError as exc:
        raise OptionalDependencyError(
            f"{purpose} needs the package {module!r}, which cannot be imported ({exc}). "
            f'Install it with: pip install "skw2c[{extra}]"'
        ) from exc
