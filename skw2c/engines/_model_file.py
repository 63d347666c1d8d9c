"""ONNX models from their parts, without the package ``onnx``: what it takes is a few messages.

The format is that of protocol buffers, https://protobuf.dev/programming-guides/encoding, and the
numbers of the fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

# Of 2021: whatever runs on a Python of today reads them.
_IR_VERSION, _OPSET = 8, 15
_CODES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "float64": 11}
_INT, _INTS = 2, 7

Attribute = int | Sequence[int]
Value = tuple[str, str, Sequence[int | str]]


def code_of(dtype: str) -> int:
    """How the attribute ``to`` of the operation Cast names a type."""
    return _CODES[dtype]


def make_node(operation: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> bytes:
    """An operation of a graph."""
    return b"".join(
        [
            *(_field(1, name.encode()) for name in inputs),
            _field(2, output.encode()),
            _field(4, operation.encode()),
            *(_field(5, _make_attribute(*attribute)) for attribute in attributes.items()),
        ]
    )


def make_model(
    nodes: Iterable[bytes],
    constants: Mapping[str, np.ndarray],
    given: Value,
    result: Value,
    metadata: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """A model with one input and one output.

    Parameters
    ----------
    nodes : iterable of bytes
        What `make_node` gave, in the order in which they run.
    constants : mapping of str to ndarray
        Numbers, each in the type of its array: float32, float64, or integers of 8, 32 or 64 bits.
    given, result : (str, str, sequence of int or str)
        Name, type and axes of input and output; an axis with a name may have any length.
    metadata : mapping of str to str
        What the model says of itself.
    """
    graph = [
        *(_field(1, node) for node in nodes),
        _field(2, b"skw2c"),
        *(_field(5, _make_tensor(name, values)) for name, values in constants.items()),
        _field(11, _describe(*given)),
        _field(12, _describe(*result)),
    ]
    return b"".join(
        [
            _field(1, _IR_VERSION),
            _field(2, b"skw2c"),
            _field(7, b"".join(graph)),
            _field(8, _field(2, _OPSET)),
            *(_field(14, _make_entry(*entry)) for entry in metadata.items()),
        ]
    )


def _make_entry(key: str, value: str) -> bytes:
    return _field(1, key.encode()) + _field(2, value.encode())


def _make_attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return _field(1, name.encode()) + _field(3, value) + _field(20, _INT)
    numbers = b"".join(_field(8, number) for number in value)
    return _field(1, name.encode()) + numbers + _field(20, _INTS)


def _make_tensor(name: str, values: np.ndarray) -> bytes:
    shape = b"".join(_field(1, length) for length in values.shape)
    code = _CODES[values.dtype.name]
    content = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
    return shape + _field(2, code) + _field(8, name.encode()) + _field(9, content)


def _describe(name: str, dtype: str, axes: Sequence[int | str]) -> bytes:
    lengths = (_field(2, a.encode()) if isinstance(a, str) else _field(1, a) for a in axes)
    shape = b"".join(_field(1, length) for length in lengths)
    tensor = _field(1, _CODES[dtype]) + _field(2, shape)
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    """A number that is not negative, seven bits in a byte, the lowest first."""
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])
