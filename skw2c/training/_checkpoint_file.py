"""Read a checkpoint as plain values and tensors, of which none is larger than the file."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from ._open_files import OpenFile

_LONGEST_PICKLE = 1 << 26  # bytes; the numbers of tensors lie elsewhere
_MOST_VALUES = 1 << 20
_STORAGES = {
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
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
}
# What `torch.save` writes plain values and tensors with, and nothing that could run code.
_OPERATIONS = (
    "PROTO FRAME MEMOIZE STOP MARK EMPTY_DICT EMPTY_LIST EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 "
    "APPEND APPENDS SETITEM SETITEMS NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT "
    "BINUNICODE SHORT_BINUNICODE BINPUT LONG_BINPUT BINGET LONG_BINGET GLOBAL REDUCE BINPERSID"
)


def read_plain(path: Path) -> dict:
    """Read what `torch.save` wrote of plain values and tensors.

    Nothing in the file is run, its checksums are compared, and what comes
    out takes no more memory than the file and a few numbers for each value.

    Raises
    ------
    ValueError
        If it is damaged, or holds anything else.
    """
    size = OpenFile(path).size  # neither a pipe nor a device
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries.values())
            if not stored or sum(entry.file_size for entry in entries.values()) > size:
                raise ValueError("its parts are larger than the file")
            [name] = [name for name in entries if name.endswith("/data.pkl")]
            if entries[name].file_size > _LONGEST_PICKLE:
                raise ValueError(f"its list of values has {entries[name].file_size} bytes")
            pickled = io.BytesIO(archive.read(name))
            content = _Reader(pickled, archive, name.removesuffix("data.pkl")).load()
    except Exception as exc:  # what these raise depends on the kind of damage
        raise ValueError(f"it is damaged ({type(exc).__name__}: {exc})") from exc
    _count(content)
    if not isinstance(content, dict):
        raise ValueError(f"it holds a {type(content).__name__}")
    return content


class _Reader(pickle._Unpickler):
    """Unpickle plain values and tensors; the library's own class does the parsing.

    Parameters
    ----------
    file : BytesIO
    archive : ZipFile
    folder : str
        Where the parts of the archive lie in it.
    """

    stack: list  # which its stubs do not list
    dispatch: ClassVar[dict[int, Any]] = {
        getattr(pickle, name)[0]: pickle._Unpickler.dispatch[getattr(pickle, name)[0]]
        for name in _OPERATIONS.split()
    }

    def __init__(self, file: io.BytesIO, archive: zipfile.ZipFile, folder: str):
        super().__init__(file)
        self._archive = archive
        self._folder = folder
        self._storages: dict[str, bytearray] = {}

    def load_build(self) -> None:
        """Leave out the attributes of a dict of tensors; nothing else has any."""
        self.stack.pop()
        if type(self.stack[-1]) is not OrderedDict:
            raise pickle.UnpicklingError("attributes")

    dispatch[pickle.BUILD[0]] = load_build

    def find_class(self, module: str, name: str):
        """One of the few things that a checkpoint is made of."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_tensor_v3"):
            return _make_tensor
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        dtype = getattr(torch, name, None) if module.startswith("torch") else None
        if isinstance(dtype, torch.dtype):
            return dtype
        if (module, name) == ("torch.storage", "UntypedStorage"):
            return torch.uint8
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, reference: tuple) -> tuple[bytearray, torch.dtype]:
        """The numbers of a tensor, and their kind."""
        _, dtype, key, _, n_numbers = reference
        if key not in self._storages:
            self._storages[key] = bytearray(self._archive.read(f"{self._folder}data/{key}"))
        if n_numbers * dtype.itemsize != len(self._storages[key]):
            raise pickle.UnpicklingError(f"the numbers {key} are not as many as stated")
        return self._storages[key], dtype


def _make_tensor(
    storage, offset, shape, stride, requires_grad, hooks, dtype=None, metadata=None
) -> Tensor:
    numbers, own = storage
    if not numbers:
        if 0 not in shape:
            raise pickle.UnpicklingError(f"a tensor of shape {shape} without numbers")
        return torch.empty(shape, dtype=dtype or own)
    reach = 1
    for step, length in sorted(zip(stride, shape, strict=True)):
        if length > 1 and step < reach:  # else a few numbers could stand for many
            raise pickle.UnpicklingError(f"a tensor of shape {shape} and stride {stride}")
        reach = max(reach, step * length)
    return torch.frombuffer(numbers, dtype=dtype or own).as_strided(shape, stride, offset)


def _count(content) -> None:
    """Refuse what would take long to walk through, as lists that hold themselves.

    Raises
    ------
    ValueError
    """
    left, waiting = _MOST_VALUES, [content]
    while waiting:
        value = waiting.pop()
        left -= 1
        if isinstance(value, dict):
            waiting.extend([*value, *value.values()])
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)
        elif not isinstance(value, (str, int, float, type(None), Tensor)):
            raise ValueError(f"it holds a {type(value).__name__}")
        if left < len(waiting):
            raise ValueError(f"it holds more than {_MOST_VALUES} values")
