"""Networks outside torch: as ONNX models."""

from ._joining import NetworkGraph, trace_encoder
from ._packages import import_onnx

__all__ = ["NetworkGraph", "import_onnx", "trace_encoder"]
