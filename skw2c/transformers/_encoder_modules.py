"""Which module of skw2c registers which encoder, read from its source, and imported when asked for.

To import all of them takes torch and seconds, for one encoder that may need neither.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from ..system._optional import is_lack_of_torch

_HOME = __name__.rpartition(".")[0]
_MARK = "@register_"


@dataclass(frozen=True)
class Claim:
    """What a module registers, as far as its source says.

    Attributes
    ----------
    module : str
        The module.
    stated : Mapping of str to object
        The ``name`` of an encoder, what it ``embeds``, its ``space`` and its ``kind``, the name of
        the class. What is not stated may be anything.
    """

    module: str
    stated: Mapping[str, object]

    def allows(self, wanted: Mapping[str, object]) -> bool:
        """Whether it may be what is wanted."""
        return all(self.stated.get(key, value) == value for key, value in wanted.items())


def load_own(**wanted) -> list[str]:
    """Import the modules of this folder that register what is wanted, or all that register any.

    Returns those that need torch, where it is not installed.
    """
    modules = dict.fromkeys(claim.module for claim in list_claims() if claim.allows(wanted))
    return [module for module in modules if not _import(module)]


@cache
def list_claims() -> tuple[Claim, ...]:
    """What the modules of this folder register."""
    path = importlib.import_module(_HOME).__path__
    return tuple(
        claim for module in pkgutil.iter_modules(path, f"{_HOME}.") for claim in _read(module.name)
    )


@cache
def _import(module: str) -> bool:
    """Import a module; False where it needs torch, which is not installed."""
    try:
        importlib.import_module(module)
    except ImportError as exc:
        if not is_lack_of_torch(exc):
            raise
        return False
    return True


def _read(module: str) -> Iterator[Claim]:
    source = _source_of(module)
    if source is None:
        yield Claim(module, {})
    elif _MARK in source:
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef):
                for decorator in node.decorator_list:
                    yield from _read_decorator(module, node.name, decorator)


def _source_of(module: str) -> str | None:
    """The source of a module, which is not imported; None where it is compiled alone."""
    found = importlib.util.find_spec(module)
    get_source = getattr(found and found.loader, "get_source", None)
    return None if get_source is None else get_source(module)


def _read_decorator(module: str, kind: str, decorator: ast.expr) -> Iterator[Claim]:
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Name):
        return
    stated: dict[str, object] = {"kind": kind}
    if decorator.func.id in ("register_encoder", "register_nameless"):
        given = [("name", value) for value in decorator.args]
        given += [(keyword.arg, keyword.value) for keyword in decorator.keywords if keyword.arg]
        stated |= {key: None for key in ("name", "space") if key not in dict(given)}
        stated |= {key: x.value for key, x in given if isinstance(x, ast.Constant)}
    elif not decorator.func.id.startswith("register_"):
        return
    yield Claim(module, stated)
