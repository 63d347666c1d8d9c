"""Parameters that many classes share are described once, and filled into each docstring."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Callable, Mapping

_WIDTH = 99
# An entry of numpydoc such as "device, verbose : shared", and the sentence below it.
_ENTRY = re.compile(
    r"^(?P<indent> *)(?P<names>\w+(?:, \w+)*) : shared\n(?:(?P=indent) +\S.*\n?)+", re.M
)


def document_shared(table: Mapping[str, tuple[str, str]]) -> Callable[[type], type]:
    """Fill in what the docstring of a class lists as shared.

    In the source of a class stands::

        device, verbose : shared
            As described in ``table``.

    and `help` shows an entry for each of them, with the default from the signature.

    Parameters
    ----------
    table : Mapping of str to (str, str)
        Type and description of each parameter or attribute.

    Returns
    -------
    callable
        A decorator of classes.
    """

    def fill(kind: type) -> type:
        if kind.__doc__ is not None:  # it is under `python -OO`
            kind.__doc__ = _ENTRY.sub(lambda found: _describe(kind, table, found), kind.__doc__)
        return kind

    return fill


def _describe(kind: type, table: Mapping[str, tuple[str, str]], found: re.Match) -> str:
    parameters = inspect.signature(kind).parameters
    entries = []
    for name in found["names"].split(", "):
        type_, description = table[name]
        default = parameters[name].default if name in parameters else inspect.Parameter.empty
        if default is not inspect.Parameter.empty:
            type_ = f"{type_}, default={_show(default)}"
        indent = found["indent"]
        body = textwrap.fill(
            " ".join(description.split()),
            _WIDTH,
            initial_indent=f"{indent}    ",
            subsequent_indent=f"{indent}    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        entries.append(f"{indent}{name} : {type_}\n{body}\n")
    return "\n".join(entries)


def _show(default) -> str:
    return json.dumps(default) if isinstance(default, str) else repr(default)
