"""Names of files as text that can be shown."""

from __future__ import annotations

import re

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def as_text(name) -> str:
    r"""A name as valid Unicode; bytes of a name that are no text are spelled out, as ``\xe9``."""
    return str(name).encode(errors="surrogateescape").decode(errors="backslashreplace")


def as_file_name(name: str) -> str:
    """A name that a browser can save a file under: without folders and control characters."""
    return _CONTROLS.sub("_", as_text(name)).replace("/", "_").replace("\\", "_") or "sound"
