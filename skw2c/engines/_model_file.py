"""ONNX models from their parts, without the package ``onnx``: what it takes is a few messages.

The format is that of protocol buffers, https://protobuf.dev/programming-guides/encoding, and the
numbers of the fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

# Of 2021: whatever runs on a Python of today reads them.
_IR_VERSION, _OPSET = 8, 15
_FLOAT = 1
# The numbers of the types that constants may have.
_TYPES = {"float32": _FLOAT, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
_INT, _INTS = 2, 7

Attribute = int | Sequence[int]


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
    weights: Mapping[str, np.ndarray],
    given: tuple[str, Sequence[int | str]],
    result: tuple[str, Sequence[int | str]],
) -> bytes:
    """A model with one input and one output, of float32.

    Parameters
    ----------
    nodes : iterable of bytes
        What `make_node` gave, in the order in which they run.
    weights : mapping of str to ndarray
        The constants, of float32, or of integers of 8, 32 or 64 bits.
    given, result : (str, sequence of int or str)
        Name and axes of input and output; an axis with a name may have any length.
    """
    graph = [
        *(_field(1, node) for node in nodes),
        _field(2, b"skw2c"),
        *(_field(5, _make_tensor(name, values)) for name, values in weights.items()),
        _field(11, _describe(*given)),
        _field(12, _describe(*result)),
    ]
    return b"".join(
        [
            _field(1, _IR_VERSION),
            _field(2, b"skw2c"),
            _field(7, b"".join(graph)),
            _field(8, _field(2, _OPSET)),
        ]
    )


def _make_attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return _field(1, name.encode()) + _field(3, value) + _field(20, _INT)
    numbers = b"".join(_field(8, number) for number in value)
    return _field(1, name.encode()) + numbers + _field(20, _INTS)


def _make_tensor(name: str, values: np.ndarray) -> bytes:
    shape = b"".join(_field(1, length) for length in values.shape)
    kind = _TYPES[values.dtype.name]
    content = values.astype(values.dtype.newbyteorder("<")).tobytes()
    return shape + _field(2, kind) + _field(8, name.encode()) + _field(9, content)


def _describe(name: str, axes: Sequence[int | str]) -> bytes:
    lengths = (_field(2, a.encode()) if isinstance(a, str) else _field(1, a) for a in axes)
    shape = b"".join(_field(1, length) for length in lengths)
    return _field(1, name.encode()) + _field(2, _field(1, _field(1, _FLOAT) + _field(2, shape)))


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
