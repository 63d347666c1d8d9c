"""Networks of encoders in ONNX Runtime, in place of what computes them in torch."""

from __future__ import annotations

import torch
from torch import Tensor

from ..engines import NetworkGraph, OnnxSession, trace


class OnnxNetwork:
    """A network that ONNX Runtime computes, each call on the thread that calls.

    Parameters
    ----------
    graph : NetworkGraph
        The network. To trace it takes seconds.

    Raises
    ------
    OptionalDependencyError
        If the extra ``export`` is not installed.
    """

    def __init__(self, graph: NetworkGraph):
        example = torch.zeros(graph.example, dtype=torch.float32)
        # Networks may be asked for where nothing is recorded, and what traces has to record.
        with torch.inference_mode(False):
            model = trace(graph, example, graph.dynamic, ("inputs", "features"))
        self._session = OnnxSession(model.SerializeToString())

    def __call__(self, inputs: Tensor) -> Tensor:
        """Compute the features of inputs, as the graph does."""
        return torch.from_numpy(self._session(inputs.contiguous().numpy()))
