"""From modules of torch to graphs of ONNX."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ._packages import import_onnx

# Of 2023; every ONNX Runtime that runs on a Python of today knows it.
OPSET = 20


def trace(module: nn.Module, example: Tensor, dynamic: Sequence[int], names: tuple[str, str]):
    """Make a graph of a module with one input and one output.

    Parameters
    ----------
    module : nn.Module
    example : Tensor
        An input.
    dynamic : sequence of int
        Axes of the input that can have any length.
    names : (str, str)
        What input and output are called.

    Returns
    -------
    onnx.ModelProto
        Without what was traced where, which tells of folders of this machine.

    Raises
    ------
    OptionalDependencyError
        If packages are missing, or too old.
    """
    import_onnx()
    axes = dict.fromkeys(dynamic, torch.export.Dim.DYNAMIC)
    with _silent(), torch.no_grad():
        program: Any = torch.onnx.export(
            module.eval(),
            (example,),
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=(axes,),
            external_data=False,
            input_names=names[:1],
            output_names=names[1:],
            verbose=False,
        )
    return _strip(program.model_proto)


def shape_of(value) -> list[int | None]:
    """Shape of an input or output of a graph, None for an axis of any length."""
    return [axis.dim_value or None for axis in value.type.tensor_type.shape.dim]


def _strip(model):
    graph = model.graph
    for part in (*graph.node, *graph.initializer, *graph.input, *graph.output, graph, model):
        del part.metadata_props[:]
        part.doc_string = ""
    del graph.value_info[:]
    return model


@contextmanager
def _silent():
    """Keep to itself what the exporter says to those who write exporters."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
