"""Packages whose names are imported on first use."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from ._optional import is_lack_of_torch, need_torch


def import_lazily(
    package: str, homes: Mapping[str, str], *, public: bool = False
) -> Callable[[str], Any]:
    """Make the function ``__getattr__`` of a package.

    So one of its modules can be used without all that the others import.

    Parameters
    ----------
    package : str
        Its name.
    homes : mapping of str to str
        The module, within it, of each name.
    public : bool, default=False
        Whether users import from it, who are told which extra brings torch where it lacks.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = f"{package}.{homes[name]}"
        try:
            return getattr(importlib.import_module(module), name)
        except ImportError as exc:
            if public and is_lack_of_torch(exc):
                need_torch(name)
            raise

    return find
