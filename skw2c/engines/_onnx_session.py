"""ONNX models in ONNX Runtime, each call on one thread of the processor."""

from __future__ import annotations

import numpy as np

from ..system._optional import import_optional

_PURPOSE = "device='onnxruntime'"
_ERRORS_ONLY = 3


class OnnxSession:
    """A model with one input and one output that is ready to run.

    Several threads may call it at a time. Each call computes on the thread that calls, so that the
    sums are taken in one order, and threads with a clip each do not wait for each other.

    Parameters
    ----------
    model : bytes
        The model.

    Raises
    ------
    OptionalDependencyError
        If ONNX Runtime is not installed.
    """

    def __init__(self, model: bytes):
        onnxruntime = import_optional("onnxruntime", extra="onnx", purpose=_PURPOSE)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # It would keep a plan of the memory for each length of clip there has been.
        options.enable_mem_pattern = False
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        [given] = self._session.get_inputs()
        self._input = given.name

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Compute the output for an input, float32."""
        [result] = self._session.run(None, {self._input: np.ascontiguousarray(values)})
        return result
