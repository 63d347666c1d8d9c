"""The residual network compiled by OpenVINO, an optional engine for the CPU."""

from __future__ import annotations

import threading
import warnings

import torch
from torch import Tensor, nn

from ...system._optional import import_optional
from ..mobilenet._folded_mobilenet import FoldedMobileNet
from ..mobilenet._mobilenet import MobileNet
from ._folded_network import fold_network
from ._folded_resnet import FoldedResNet
from ._resnet import ResNet


class OpenVINONetwork:
    """A network that runs in single precision in OpenVINO, as `fold_network` makes it for torch.

    It computes as many batches at a time as torch has threads, each on one thread.

    Parameters
    ----------
    network : ResNet or MobileNet
        The network in eval mode; it stays as it is.

    Raises
    ------
    OptionalDependencyError
        If the extra ``openvino`` is not installed.
    """

    def __init__(self, network: ResNet | MobileNet):
        openvino = import_optional("openvino", extra="openvino", purpose="device='openvino'")
        folded = fold_network(network, torch.device("cpu"), fused=False)
        with warnings.catch_warnings():
            # The conversion traces with an interface that torch calls deprecated.
            warnings.simplefilter("ignore")
            model = openvino.convert_model(
                _TimeDown(folded), example_input=torch.zeros(2, 1, 64, 257)
            )
        n_threads = torch.get_num_threads()
        options = {
            # Without the hint OpenVINO takes bfloat16 wherever the processor has it.
            "INFERENCE_PRECISION_HINT": "f32",
            "NUM_STREAMS": n_threads,
            "INFERENCE_NUM_THREADS": n_threads,
        }
        self._compiled = openvino.Core().compile_model(model, "CPU", options)
        self._of_thread = threading.local()

    def __call__(self, x: Tensor) -> Tensor:
        """Map (batch, 1, bins, columns) to (batch, features, rows, columns / stride)."""
        if not hasattr(self._of_thread, "request"):
            self._of_thread.request = self._compiled.create_infer_request()
        request = self._of_thread.request
        request.infer({0: x.transpose(2, 3).contiguous().numpy()})
        return torch.from_numpy(request.get_output_tensor(0).data.copy()).transpose(2, 3)


class _TimeDown(nn.Module):
    """The network as a module that can be traced, all maps with time down."""

    def __init__(self, folded: FoldedResNet | FoldedMobileNet):
        super().__init__()
        self._folded = folded

    def forward(self, x: Tensor) -> Tensor:
        return self._folded.extract(self._folded.reduce(x))
