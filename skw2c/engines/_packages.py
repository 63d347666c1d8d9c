"""The packages that make ONNX models, checked."""

from __future__ import annotations

from types import ModuleType

from ..exceptions import OptionalDependencyError
from ..system._installation import list_requirements
from ..system._optional import import_optional

_EXTRA = "export"
_NEEDED = ("onnxscript", "onnx")


def import_onnx() -> ModuleType:
    """Import the package ``onnx``, where all that the export needs is there.

    Raises
    ------
    OptionalDependencyError
        If a package is missing or too old.
    """
    *_, onnx = (import_optional(n, extra=_EXTRA, purpose="export to ONNX") for n in _NEEDED)
    wrong = [r for r in list_requirements(_EXTRA) if r.name in _NEEDED and not r.is_met]
    if wrong:
        raise OptionalDependencyError(
            f"export to ONNX needs other versions of packages: {', '.join(map(str, wrong))}. "
            f'Install them with: pip install --upgrade "skw2c[{_EXTRA}]"'
        )
    return onnx
