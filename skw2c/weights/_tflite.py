"""Read the constants of a TFLite program, without an interpreter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ..exceptions import WeightsError
from ..system._optional import import_optional
from ._bounds import Budget, count_entries, unpacked_limit

_DTYPES = {
    "FLOAT32": np.float32,
    "FLOAT16": np.float16,
    "INT8": np.int8,
    "UINT8": np.uint8,
    "INT32": np.int32,
    "INT64": np.int64,
}


def read_tflite(path: str) -> dict[str, Tensor]:
    """Read the constants that the operators of a program take.

    Tensors have no names that could be relied on. So each is named by the place of its
    operator in the program, the operator and the activation that is fused with it, and its
    place among the operator's inputs: ``"016/CONV_2D/RELU6/1"``.

    Parameters
    ----------
    path : str
        The file.

    Returns
    -------
    dict of str to Tensor
        In the layouts of TFLite. Quantised numbers come as what they stand for, float32.

    Raises
    ------
    WeightsError
        If the file is damaged, or not a TFLite program.
    OptionalDependencyError
        If the package tflite is not installed.
    """
    tflite = import_optional("tflite", extra="tflite", purpose="Reading TFLite files (.tflite)")
    try:
        with open(path, "rb") as file:
            content = file.read()
        if not tflite.Model.ModelBufferHasIdentifier(content, 0):
            raise ValueError("it does not begin as one")
        budget = Budget(unpacked_limit(path))
        constants = dict(_list_constants(tflite, tflite.Model.GetRootAs(content), budget))
    # A damaged file leads to places outside of it, and to numbers that mean nothing.
    except Exception as exc:
        raise WeightsError(
            f"The weights {path!r} are damaged, truncated or not a TFLite file ({exc}). "
            "Fetch or copy the file again."
        ) from exc
    return {name: torch.from_numpy(np.array(array)) for name, array in constants.items()}


def _list_constants(tflite, model, budget: Budget) -> Iterator[tuple[str, np.ndarray]]:
    """Name and value of each constant, in the order of the program.

    Operators may share their lists and these their tensors, so that few bytes can stand for
    any number of them.
    """
    graph = model.Subgraphs(0)
    n_inputs = 0
    count_entries(graph.OperatorsLength())
    for place in range(graph.OperatorsLength()):
        operator = graph.Operators(place)
        kind = tflite.opcode2name(model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode())
        activation = _activation(tflite, operator, kind)
        n_inputs += operator.InputsLength()
        count_entries(n_inputs)
        for position in range(operator.InputsLength()):
            number = operator.Inputs(position)
            if number >= 0:  # inputs that are left out are -1
                tensor = graph.Tensors(number)
                buffer = model.Buffers(tensor.Buffer())
                if buffer.DataLength():
                    name = f"{place:03d}/{kind}/{activation}/{position}"
                    yield name, _read_tensor(tflite, tensor, buffer, budget)


def _activation(tflite, operator, kind: str) -> str:
    """Name of the activation that is fused with an operator that has weights."""
    options = {
        "CONV_2D": tflite.Conv2DOptions,
        "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
        "FULLY_CONNECTED": tflite.FullyConnectedOptions,
    }
    table = operator.BuiltinOptions()
    if kind not in options or table is None:
        return "NONE"
    own = options[kind]()
    own.Init(table.Bytes, table.Pos)
    return _names_of(tflite.ActivationFunctionType)[own.FusedActivationFunction()]


def _read_tensor(tflite, tensor, buffer, budget: Budget) -> np.ndarray:
    kind = _names_of(tflite.TensorType)[tensor.Type()]
    if kind not in _DTYPES:
        raise ValueError(f"it has constants of type {kind}")
    shape = tensor.ShapeAsNumpy() if tensor.ShapeLength() else ()
    array = buffer.DataAsNumpy().view(_DTYPES[kind]).reshape(shape)
    budget.take(array.size * np.dtype(np.float32).itemsize, "its constants")
    quantization = tensor.Quantization()
    if quantization is None or not quantization.ScaleLength():
        return array
    scale = quantization.ScaleAsNumpy().astype(np.float64)
    zero = quantization.ZeroPointAsNumpy() if quantization.ZeroPointLength() else np.zeros(1)
    if len(scale) > 1:
        along = [1] * array.ndim
        dimension = quantization.QuantizedDimension()
        if array.shape[dimension] != len(scale):
            raise ValueError(f"a constant of shape {array.shape} has {len(scale)} scales")
        along[dimension] = -1
        scale, zero = scale.reshape(along), np.broadcast_to(zero, scale.shape).reshape(along)
    return ((array - zero) * scale).astype(np.float32)


def _names_of(enumeration) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}
