"""Read the tensors of a TorchScript archive without running the program in it."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator

import torch
from torch import Tensor

from ..exceptions import WeightsError

_DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_LISTS = {"build_intlist", "build_doublelist", "build_boollist", "build_tensorlist"}


def is_torchscript(path: str | os.PathLike) -> bool:
    """Whether the file is an archive that `torch.jit.save` wrote."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except Exception:  # damaged in one way or another, for others to say how
        return False


def read_torchscript(path: str | os.PathLike) -> dict[str, Tensor]:
    """Read all tensors that the modules of the archive hold, under their full names.

    The archive says in the language of pickle which module holds which tensors. It is
    read with stand-ins for the modules, and with nothing that it could call.

    Raises
    ------
    WeightsError
        If the archive is damaged, or asks for anything but modules and tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            [name] = [n for n in archive.namelist() if n.count("/") == 1 and "/data.pkl" in n]
            with archive.open(name) as file:
                module = _ArchiveReader(file, archive, name.removesuffix(".pkl")).load()
        return dict(_walk(module, "", set()))
    except _RefusedError as exc:
        raise WeightsError(
            f"The TorchScript archive {os.fspath(path)!r} is refused: {exc}"
        ) from exc
    except Exception as exc:  # zipfile, zlib, pickle and torch raise a dozen kinds
        first_line = str(exc).partition("\n")[0]
        raise WeightsError(
            f"The TorchScript archive {os.fspath(path)!r} is damaged or truncated "
            f"({type(exc).__name__}: {first_line})."
        ) from exc


class _RefusedError(pickle.UnpicklingError):
    """The archive asks for what it has no business with."""


class _Module:
    """Stands for a module of the archive; keeps its attributes."""

    def __init__(self, *args):
        pass

    def __setstate__(self, state):
        self.attributes = state


def _walk(module, prefix: str, above: set[int]) -> Iterator[tuple[str, Tensor]]:
    if id(module) in above:
        raise ValueError(f"the module {prefix!r} is part of itself")
    for name, value in getattr(module, "attributes", {}).items():
        if isinstance(value, Tensor):
            yield prefix + name, value
        elif isinstance(value, _Module):
            yield from _walk(value, f"{prefix}{name}.", above | {id(module)})


def _rebuild_tensor(storage: Tensor, offset: int, size, stride, *_) -> Tensor:
    return torch.as_strided(storage, size, stride, offset)


class _ArchiveReader(pickle.Unpickler):
    """Knows modules, tensors and lists of numbers, and refuses all else by its name."""

    def __init__(self, file, archive: zipfile.ZipFile, folder: str):
        super().__init__(file)
        self._archive = archive
        self._folder = folder
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str):
        if module.startswith("__torch__"):
            return _Module
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if module == "torch.jit._pickle" and name in _LISTS:
            return list
        raise _RefusedError(f"it asks for {module}.{name}, which is neither a module nor a tensor")

    def persistent_load(self, pid) -> Tensor:
        _, dtype, key, _, n_elements = pid
        if key not in self._storages:
            content = bytearray(self._archive.read(f"{self._folder}/{key}"))
            self._storages[key] = _as_tensor(content, dtype)
        storage = self._storages[key]
        if len(storage) != n_elements:
            raise ValueError(f"storage {key} has {len(storage)} elements, stated are {n_elements}")
        return storage


def _as_tensor(content: bytearray, dtype: torch.dtype) -> Tensor:
    return torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)
