"""Folders in the layout of the Hugging Face hub: weights, and the files that describe them."""

from __future__ import annotations

import hashlib
import os

from ..exceptions import WeightsError
from ..system._checksum import sha256_of

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_DESCRIPTIONS = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
)
_MOST_BYTES = 64 << 20  # of a description; a tokenizer of many languages has 20 MB


def find_weights(folder: str) -> str:
    """The path of the file of weights in a folder.

    Raises
    ------
    WeightsError
        If there is none, or only a part of one.
    """
    for name in _WEIGHTS:
        if os.path.isfile(os.path.join(folder, name)):
            return os.path.join(folder, name)
    parted = [
        name for name in _WEIGHTS if os.path.isfile(os.path.join(folder, f"{name}.index.json"))
    ]
    reason = (
        "its weights are in several parts: join them to one file"
        if parted
        else f"it has neither {' nor '.join(_WEIGHTS)}"
    )
    raise WeightsError(f"The folder {folder!r} cannot be used as weights: {reason}.")


def checksum_of_folder(folder: str) -> str:
    """A checksum of the weights and of what describes them; other files do not count."""
    paths = [find_weights(folder), *(os.path.join(folder, name) for name in _DESCRIPTIONS)]
    known = [f"{os.path.basename(p)} {sha256_of(p)}\n" for p in paths if os.path.isfile(p)]
    return hashlib.sha256("".join(known).encode()).hexdigest()


def read_description(folder: str, name: str) -> bytes | None:
    """What is in one of the files that describe the weights; None where it is absent.

    Raises
    ------
    WeightsError
        If it cannot be read, or is far too large.
    """
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as exc:
        raise WeightsError(f"The file {path!r} cannot be read ({exc.strerror}).") from exc
    if len(content) > _MOST_BYTES:
        raise WeightsError(f"The file {path!r} has more than {_MOST_BYTES >> 20} MB.")
    return content
