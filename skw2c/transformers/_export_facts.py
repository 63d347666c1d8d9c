"""What files of encoders of sounds and of words have in common: their place, and their origin."""

from __future__ import annotations

import errno
import os

from .._version import __version__
from ..system._atomic import check_place
from ..weights import WeightsReference, registry
from ._encoder_registry import registration_of


def check_file(path: str | os.PathLike) -> None:
    """Refuse, before the work, what no model can be written to."""
    if not os.fspath(path).endswith(".onnx"):
        raise ValueError(f"{os.fspath(path)!r} must end in .onnx, as ONNX files do")
    folder = check_place(path).parent
    if not folder.is_dir():
        cause = f"the folder {str(folder)!r} does not exist"
        raise FileNotFoundError(errno.ENOENT, cause, os.fspath(path))


def describe_origin(encoder) -> dict[str, str | None]:
    """Which encoder a file holds, with which weights; None for what it does not have."""
    entry = registration_of(encoder)
    return {
        "skw2c_version": __version__,
        "encoder": entry and entry.name,
        "weights": encoder.weights_.fingerprint,
        "licence": _licence_of(encoder.weights_),
    }


def _licence_of(reference: WeightsReference) -> str:
    if reference.name is not None:
        return registry()[reference.name].licence
    return reference.metadata().get("licence", "not stated")
