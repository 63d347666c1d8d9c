"""One ONNX model from waveforms to vectors, of parts that are traced one by one.

Each part knows its own axes alone, which keeps what the tracer has to prove of them small.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._packages import import_onnx
from ._tracing import shape_of, trace

INPUT, OUTPUT = "waveforms", "vectors"
_INPUTS, _FEATURES, _FRAMED = "inputs", "features", "framed"


class NetworkGraph(nn.Module):
    """The network of an encoder alone, in operations that an ONNX model can hold.

    Attributes
    ----------
    example : tuple of int
        Shape of some inputs.
    dynamic : tuple of int
        Axes of the inputs that can have any length.
    """

    example: tuple[int, ...]
    dynamic: tuple[int, ...] = (0,)


def trace_encoder(
    front: nn.Module, network: NetworkGraph | None, tail: nn.Module, waveforms: Tensor
):
    """Make the ONNX model of an encoder.

    Parameters
    ----------
    front : nn.Module
        From waveforms (batch, n_samples) to inputs (n, ...), a row for each frame.
    network : NetworkGraph or None
        From these to features (n, ...). None where the inputs are what is wanted.
    tail : nn.Module
        From features (batch, n_frames, ...) to vectors.
    waveforms : Tensor of shape (batch, n_samples)
        An example. No axis of it, or of what becomes of it, should have the length 1, which the
        tracer takes for a constant.

    Returns
    -------
    onnx.ModelProto
        From ``waveforms`` to ``vectors``, with any number of clips of any length.

    Raises
    ------
    OptionalDependencyError
        If packages are missing or too old.
    """
    parts = [trace(front, waveforms, (0, 1), (INPUT, _FEATURES if network is None else _INPUTS))]
    if network is not None:
        example = torch.zeros(network.example, dtype=torch.float32)
        parts.append(trace(network, example, network.dynamic, (_INPUTS, _FEATURES)))
    features = parts[-1].graph.output[0]
    _, *shape = shape_of(features)
    dynamic = [0, 1, *(axis for axis, length in enumerate(shape, 2) if length is None)]
    kind = torch.float64 if _is_double(features) else torch.float32
    example = torch.zeros(2, 3, *(length or 5 for length in shape), dtype=kind)
    parts.append(trace(tail, example, dynamic, (_FRAMED, OUTPUT)))
    return _join(parts, shape)


def _is_double(value) -> bool:
    return value.type.tensor_type.elem_type == import_onnx().TensorProto.DOUBLE


def _join(parts: list, shape: list[int | None]):
    onnx = import_onnx()
    helper = onnx.helper
    parts = [
        onnx.compose.add_prefix(part, f"{name}/", rename_inputs=False, rename_outputs=False)
        for part, name in zip(parts, _names(len(parts)), strict=True)
    ]
    *before, last = (list(part.graph.node) for part in parts)
    graph = helper.make_graph(
        [node for nodes in before for node in nodes] + _frame(helper, shape) + last,
        "skw2c",
        [_value(onnx, INPUT, ["batch", "samples"])],
        [_value(onnx, OUTPUT, _name_axes(shape_of(parts[-1].graph.output[0])))],
        [tensor for part in parts for tensor in part.graph.initializer],
    )
    model = helper.make_model(
        graph,
        producer_name="skw2c",
        opset_imports=_union_of_opsets(parts),
        ir_version=max(part.ir_version for part in parts),
    )
    onnx.checker.check_model(model)
    return model


def _names(n_parts: int) -> list[str]:
    return ["front", "network", "tail"] if n_parts == 3 else ["front", "tail"]


def _frame(helper, shape: list[int | None]) -> list:
    """Operations that give features an axis of clips and one of frames."""
    n_rest = len(shape)
    return [
        helper.make_node("Shape", [INPUT], ["frame/batch"], start=0, end=1),
        helper.make_node("Shape", [_FEATURES], ["frame/rest"], start=1, end=1 + n_rest),
        helper.make_node("Constant", [], ["frame/any"], value_ints=[-1]),
        helper.make_node(
            "Concat", ["frame/batch", "frame/any", "frame/rest"], ["frame/to"], axis=0
        ),
        helper.make_node("Reshape", [_FEATURES, "frame/to"], [_FRAMED]),
    ]


def _value(onnx, name: str, axes: list):
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, axes)


def _name_axes(shape: list[int | None]) -> list:
    return ["batch", *(["frames"] if len(shape) == 3 else []), shape[-1]]


def _union_of_opsets(parts: list) -> list:
    versions = {opset.domain: opset for part in parts for opset in part.opset_import}
    return list(versions.values())
