"""Which device is meant, and what runs there; torch is imported only where it is what runs."""

from __future__ import annotations

import os

import joblib

from ..exceptions import OptionalDependencyError
from ..system._optional import is_installed, need_torch

OPENVINO, ONNX_RUNTIME = "openvino", "onnxruntime"
_AUTO = "auto"
_NEITHER = (
    "Encoders of sound run in torch or in ONNX Runtime, and neither is installed. Install one: "
    'pip install "skw2c[torch]" for everything, or pip install onnxruntime for a small '
    "environment, in which weights='mini' and other networks of Wav2CLIP run"
)


def choose_device(device: str, *, portable: bool = False) -> str:
    """Resolve ``"auto"``: the GPU where torch has CUDA, else the CPU.

    Parameters
    ----------
    device : str
        ``"auto"``, ``"openvino"``, ``"onnxruntime"``, or a torch device.
    portable : bool, default=False
        Whether what runs there can do without torch; ``"auto"`` is then ``"onnxruntime"`` where
        torch is not installed.

    Raises
    ------
    OptionalDependencyError
        If the device needs torch, which is not installed.
    ValueError
        If torch does not know the device, or has none of that kind.
    """
    if device == _AUTO and portable and not is_installed("torch"):
        if not is_installed("onnxruntime"):
            raise OptionalDependencyError(_NEITHER)
        return ONNX_RUNTIME
    if device in (OPENVINO, ONNX_RUNTIME):
        return device
    return _choose_in_torch(device)


def choose_torch_device(device: str, network: str) -> str:
    """Resolve a device for a network that runs in torch alone.

    Raises
    ------
    ValueError
        If another engine is asked for, or torch does not know the device, or has none of that
        kind.
    """
    if device == ONNX_RUNTIME:
        raise ValueError(
            f"device='onnxruntime' runs encoders of sound that can be exported, not {network}: "
            "choose 'cpu'"
        )
    return choose_device_of_exported(device, network)


def choose_device_of_exported(device: str, network: str) -> str:
    """Resolve a device for a network that can be exported to ONNX.

    Raises
    ------
    ValueError
        If OpenVINO is asked for, or torch does not know the device, or has none of that kind.
    """
    if device == OPENVINO:
        raise ValueError(f"device='openvino' runs Wav2CLIP, not {network}: choose 'cpu'")
    return choose_device(device)


def device_beside(device: str) -> str:
    """Where torch runs beside a network that another engine runs: on the CPU, as that does."""
    return "cpu" if device in (OPENVINO, ONNX_RUNTIME) else device


def count_threads() -> int:
    """How many threads to run without torch: one for each processor, or as OpenMP is told."""
    stated = os.environ.get("OMP_NUM_THREADS", "")
    return int(stated) if stated.isdecimal() and int(stated) else joblib.cpu_count()


def _choose_in_torch(device: str) -> str:
    torch = need_torch(f"device={device!r}")
    if device == _AUTO:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(0, device=device)
    except (RuntimeError, AssertionError) as exc:
        first_line = str(exc).partition("\n")[0]
        raise ValueError(
            f"device={device!r} cannot be used ({first_line}). Choose 'auto', 'cpu', or a "
            "device that torch has here."
        ) from exc
    return device
