"""Networks outside torch: as ONNX models, and how these are run."""

from ..system._lazy_names import import_lazily

_HOMES = {
    "OnnxSession": "_onnx_session",
    "NetworkGraph": "_joining",
    "code_of": "_model_file",
    "make_model": "_model_file",
    "make_node": "_model_file",
    "import_onnx": "_packages",
    "trace": "_tracing",
    "trace_encoder": "_joining",
}

__all__ = [*_HOMES]

__getattr__ = import_lazily(__name__, _HOMES)
