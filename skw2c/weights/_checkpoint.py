"""Read and write files of tensors without ever running what is in them."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from .._atomic import open_atomically
from ..exceptions import WeightsError
from ._keras import KERAS_SUFFIXES, read_keras
from ._tflite import read_tflite
from ._torchscript import is_torchscript, read_torchscript

# Checkpoints of Lightning name its classes beside the weights. Each stands for an object in
# which nothing of theirs runs.
_LIGHTNING = [
    f"pytorch_lightning.{name}"
    for name in (
        "callbacks.early_stopping.EarlyStopping",
        "callbacks.model_checkpoint.ModelCheckpoint",
        "utilities.parsing.AttributeDict",
    )
]


class _Inert(dict):
    """What the objects of other packages become."""


def read_checkpoint(path: str | os.PathLike) -> dict[str, Tensor]:
    """Read the tensors of a file, whose format is known by its name.

    ``.safetensors``, ``.h5`` and ``.h5.gz`` (Keras), ``.npz`` (NumPy), ``.tflite``; anything
    else is a torch checkpoint or a TorchScript archive.

    Parameters
    ----------
    path : str or os.PathLike
        The file. A Lightning checkpoint gives its ``state_dict``.

    Returns
    -------
    dict of str to Tensor, on the CPU

    Raises
    ------
    WeightsError
        If the file is truncated, is no checkpoint, or holds other objects than tensors:
        these are not loaded, because loading them could run code.
    """
    path = os.fspath(path)
    if path.endswith(".safetensors"):
        return _read_safetensors(path)
    if path.endswith(KERAS_SUFFIXES):
        return read_keras(path)
    if path.endswith(".npz"):
        return _read_npz(path)
    if path.endswith(".tflite"):
        return read_tflite(path)
    if os.path.isfile(path) and is_torchscript(path):
        return read_torchscript(path)
    return _only_tensors(_read_torch(path), path)


def _read_safetensors(path: str) -> dict[str, Tensor]:
    import safetensors
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except safetensors.SafetensorError as exc:
        raise WeightsError(
            f"The weights {path!r} are damaged or no safetensors file ({exc})."
        ) from exc


def _read_npz(path: str) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays}
    except Exception as exc:  # what NumPy raises depends on the kind of damage
        raise WeightsError(
            f"The weights {path!r} are damaged, or no npz file of arrays of numbers ({exc})."
        ) from exc


def _read_torch(path: str):
    try:
        with torch.serialization.safe_globals([(_Inert, name) for name in _LIGHTNING]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as exc:
        raise WeightsError(
            f"The weights {path!r} are refused: the file is no torch checkpoint, or it "
            "holds objects other than tensors, and loading those could run code. Save the "
            "state dict alone, or convert it to safetensors."
        ) from exc
    except Exception as exc:  # what torch raises depends on the kind of damage
        first_line = str(exc).partition("\n")[0]
        raise WeightsError(
            f"The weights {path!r} are damaged or truncated ({first_line}). Fetch or copy "
            "the file again."
        ) from exc


def _only_tensors(state, path: str) -> dict[str, Tensor]:
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        raise WeightsError(
            f"The weights {path!r} hold a {type(state).__name__}, and a state dict (names "
            "and tensors) is expected."
        )
    return dict(state)


def write_safetensors(
    path: str | os.PathLike, state: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write tensors and their description; the file appears whole or not at all.

    The same ones give the same bytes, so that a checksum tells what is in a file.
    """
    from safetensors.torch import save

    tensors = {name: value.contiguous().clone() for name, value in state.items()}
    content = memoryview(save(tensors, metadata=dict(metadata)))
    start = 8 + int.from_bytes(content[:8], "little")
    with open_atomically(path) as file:
        file.write(_in_order(bytes(content[8:start])))
        file.write(content[start:])


def _in_order(header: bytes) -> bytes:
    """A header, its length before it, with the metadata sorted.

    They come in random order (https://github.com/safetensors/safetensors/issues/584).
    """
    entries = json.loads(header)
    if "__metadata__" in entries:
        entries["__metadata__"] = dict(sorted(entries["__metadata__"].items()))
    header = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # tensors begin at a multiple of eight bytes
    return len(header).to_bytes(8, "little") + header
