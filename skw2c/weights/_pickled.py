"""Read the language of pickle as far as checkpoints need it, and nothing that it could call.

A pickle is a program. The reader of torch for weights alone runs no functions but a few, but
still does what small files can make endless: it allocates what is stated, compares and prints
structures whose parts are shared a billion times, and sizes its memory by numbers in the file.
So the pickle is read by the reader of the standard library that is written in Python, with all
steps left out that tensors do not need; tensors are described, and made later.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, ClassVar

import torch

from ._bounds import MAX_ENTRIES, TooLargeError

_MAX_BYTES = 8 << 20  # a tensor takes some 300 bytes of pickle
_MAX_DIMENSIONS = 32

_STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "UntypedStorage": torch.uint8,
}
# Objects of other packages that stand beside the weights in checkpoints of Lightning and of
# torch. Each becomes an object in which nothing of theirs runs.
_INERT = {
    "pytorch_lightning.callbacks.early_stopping.EarlyStopping",
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "collections.Counter",
    "torch.device",
    "torch.serialization._get_layout",
    "builtins.set",
    "__builtin__.set",
    "builtins.bytearray",
    "builtins.complex",
    "_codecs.encode",
}
_LISTS = {"build_intlist", "build_doublelist", "build_boollist", "build_tensorlist"}
_SCALARS = (str, int, float, bool, bytes, type(None), type)

# What pickles of torch consist of.
_OPCODES = [
    "PROTO",
    "FRAME",
    "STOP",
    "MARK",
    "MEMOIZE",
    "BINPUT",
    "LONG_BINPUT",
    "BINGET",
    "LONG_BINGET",
    "NONE",
    "NEWTRUE",
    "NEWFALSE",
    "BININT",
    "BININT1",
    "BININT2",
    "LONG1",
    "BINFLOAT",
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "BINSTRING",
    "SHORT_BINSTRING",
    "BINBYTES",
    "SHORT_BINBYTES",
    "EMPTY_LIST",
    "APPEND",
    "APPENDS",
    "EMPTY_TUPLE",
    "TUPLE",
    "TUPLE1",
    "TUPLE2",
    "TUPLE3",
    "EMPTY_DICT",
    "SETITEM",
    "SETITEMS",
    "GLOBAL",
    "STACK_GLOBAL",
    "REDUCE",
    "NEWOBJ",
    "BUILD",
    "BINPERSID",
]


class RefusedError(pickle.UnpicklingError):
    """The pickle asks for what has no place among weights."""


@dataclass(frozen=True)
class StoredNumbers:
    """Numbers in a file: the key of their storage, their type and how many they are."""

    key: str
    dtype: torch.dtype
    n_elements: int

    @property
    def n_bytes(self) -> int:
        """Their size."""
        return self.n_elements * self.dtype.itemsize


@dataclass(frozen=True)
class StoredTensor:
    """How a tensor lies in its storage."""

    storage: StoredNumbers
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype


class Module:
    """Stands for a module of a TorchScript archive; keeps its attributes."""

    attributes: dict = {}


class Inert(dict):
    """What the objects of other packages become."""


@dataclass(frozen=True)
class _Callable:
    """What a pickle may call. It has no attributes that a pickle could change."""

    function: Callable | torch.dtype


class _Bounded:
    """A file of which no more than some bytes are read."""

    def __init__(self, file: IO[bytes], n_bytes: int):
        self._file = file
        self._left = n_bytes

    def read(self, n_bytes: int) -> bytes:
        self._left -= n_bytes
        if self._left < 0:
            raise TooLargeError(f"its description takes more than {_MAX_BYTES} bytes")
        return self._file.read(n_bytes)

    def readinto(self, buffer) -> int:
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def readline(self) -> bytes:
        line = self._file.readline(1 + min(self._left, 10_000))
        self._left -= len(line)
        return line


def read_pickle(file: IO[bytes]):
    """Read one pickle, up to its end.

    Returns
    -------
    content : object
        With tensors as `StoredTensor`.
    storages : dict of str to StoredNumbers
        All storages that it names, by their keys.

    Raises
    ------
    RefusedError
        If it asks for anything but tensors, containers, numbers and strings.
    """
    reader = _Reader(_Bounded(file, _MAX_BYTES))
    return reader.load(), reader.storages


def _stored_tensor(storage, offset, size, stride, *rest, dtype=None) -> StoredTensor:
    if (
        not isinstance(storage, StoredNumbers)
        or not isinstance(size, tuple | list)
        or not isinstance(stride, tuple | list)
        or not len(size) == len(stride) <= _MAX_DIMENSIONS
        or not all(type(n) is int and 0 <= n < 2**62 for n in (offset, *size, *stride))
    ):
        raise RefusedError("it holds a tensor that no storage can hold")
    dtype = dtype or storage.dtype
    return StoredTensor(storage, offset, tuple(size), tuple(stride), dtype)


def _stored_tensor_of_type(storage, offset, size, stride, grad, hooks, dtype, *rest):
    if not isinstance(dtype, torch.dtype):
        raise RefusedError("it holds a tensor without a type")
    return _stored_tensor(storage, offset, size, stride, dtype=dtype)


def _first(value, *rest):
    return value


_CALLABLES = {
    "collections.OrderedDict": _Callable(OrderedDict),
    "torch.Size": _Callable(_first),
    "torch._utils._rebuild_tensor": _Callable(_stored_tensor),
    "torch._utils._rebuild_tensor_v2": _Callable(_stored_tensor),
    "torch._utils._rebuild_tensor_v3": _Callable(_stored_tensor_of_type),
    "torch._utils._rebuild_parameter": _Callable(_first),
    "torch._utils._rebuild_parameter_with_state": _Callable(_first),
    **{f"torch.jit._pickle.{name}": _Callable(_first) for name in _LISTS},
    **{f"torch.{name}": _Callable(dtype) for name, dtype in _STORAGES.items()},
    "torch.storage.UntypedStorage": _Callable(torch.uint8),
}


class _Reader(pickle._Unpickler):
    """Knows modules, tensors, containers and numbers, and refuses all else by its name."""

    # What the class has beside what its stubs list.
    stack: list
    append: Callable[[object], None]
    pop_mark: Callable[[], list]
    dispatch: ClassVar[dict[int, Any]] = {
        getattr(pickle, name)[0]: pickle._Unpickler.dispatch[getattr(pickle, name)[0]]
        for name in _OPCODES
    }

    def __init__(self, file):
        super().__init__(file)
        self._n_odd_keys = 0
        self.storages: dict[str, StoredNumbers] = {}

    def load(self):
        try:
            return super().load()
        except KeyError as exc:
            # The standard library looks up steps, and what was kept, in dictionaries.
            raise RefusedError(f"it has a step that pickles of tensors lack ({exc})") from exc

    def find_class(self, module: str, name: str):
        path = f"{module}.{name}"
        if module.split(".")[0] == "__torch__":
            return Module
        if path in _CALLABLES:
            return _CALLABLES[path]
        if path in _INERT:
            return Inert
        if module == "torch" and isinstance(vars(torch).get(name), torch.dtype):
            return vars(torch)[name]
        raise RefusedError(
            f"it asks for {module[:100]}.{name[:100]}, which is neither a module nor a tensor"
        )

    def persistent_load(self, pid) -> StoredNumbers:
        if not isinstance(pid, tuple) or len(pid) not in (5, 6):
            raise RefusedError("it has a storage that is described in an unknown way")
        _, kind, key, _, n_elements, *view = pid
        dtype = kind.function if isinstance(kind, _Callable) else None
        if not (
            isinstance(dtype, torch.dtype) and isinstance(key, str) and type(n_elements) is int
        ):
            raise RefusedError("it has a storage without type, key or length")
        if view and view[0] is not None:
            raise RefusedError("it has a view of a storage, as torch wrote them before 0.4")
        stored = StoredNumbers(key, dtype, n_elements)
        if n_elements < 0 or self.storages.setdefault(key, stored) != stored:
            raise RefusedError("it describes one storage in two ways")
        return stored

    def load_reduce(self):
        arguments = self.stack.pop()
        called = self.stack[-1]
        if called is Module or called is Inert:
            self.stack[-1] = called()
        elif called is _CALLABLES["collections.OrderedDict"] and arguments:
            raise RefusedError("it fills a dictionary in an unusual way")
        elif isinstance(called, _Callable) and not isinstance(called.function, torch.dtype):
            self.stack[-1] = called.function(*arguments)
        else:
            raise RefusedError(f"it calls a {type(called).__name__}")

    dispatch[pickle.REDUCE[0]] = load_reduce

    def load_newobj(self):
        self.stack.pop()
        made = self.stack.pop()
        if made is not Module and made is not Inert:
            raise RefusedError(f"it makes an object of a {type(made).__name__}")
        self.append(made())

    dispatch[pickle.NEWOBJ[0]] = load_newobj

    def load_build(self):
        """Give a module its attributes; those of anything else mean nothing here."""
        state = self.stack.pop()
        built = self.stack[-1]
        if isinstance(built, Module) and isinstance(state, dict):
            built.attributes = state
        elif not isinstance(built, OrderedDict | Inert | StoredTensor):
            raise RefusedError(f"it changes a {type(built).__name__}")

    dispatch[pickle.BUILD[0]] = load_build

    def load_setitem(self):
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    dispatch[pickle.SETITEM[0]] = load_setitem

    def load_setitems(self):
        self._set(self.pop_mark())

    dispatch[pickle.SETITEMS[0]] = load_setitems

    def _set(self, items: list) -> None:
        changed = self.stack[-1]
        if not isinstance(changed, dict):
            raise RefusedError(f"it sets items of a {type(changed).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) is not str:
                self._check_odd_key(key)
            changed[key] = value

    def _check_odd_key(self, key) -> None:
        """Let no key be slow to hash, as nested tuples are, and not many collide.

        Of strings the hash is known once and cannot be foreseen. That of numbers can.
        """
        self._n_odd_keys += 1
        parts = key if isinstance(key, tuple) else (key,)
        if len(parts) > _MAX_DIMENSIONS or not all(isinstance(p, _SCALARS) for p in parts):
            raise RefusedError(f"it has a key of type {type(key).__name__}")
        if self._n_odd_keys > MAX_ENTRIES:
            raise TooLargeError(f"it has more than {MAX_ENTRIES} keys that are not names")

    def load_append(self):
        self._extend([self.stack.pop()])

    dispatch[pickle.APPEND[0]] = load_append

    def load_appends(self):
        self._extend(self.pop_mark())

    dispatch[pickle.APPENDS[0]] = load_appends

    def _extend(self, items: list) -> None:
        changed = self.stack[-1]
        if not isinstance(changed, list):
            raise RefusedError(f"it appends to a {type(changed).__name__}")
        changed.extend(items)
