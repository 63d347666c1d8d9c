"""Convolutions as they run when nothing is trained: folded and fused."""

from __future__ import annotations

import copy
from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

# What oneDNN calls each activation, and the bounds that it needs.
_ONEDNN_ACTIVATIONS = {
    "none": ("none", []),
    "relu": ("relu", []),
    "relu6": ("hardtanh", [0.0, 6.0]),
    "hardswish": ("hardswish", []),
}

_MANY_WEIGHTS = 1 << 18
"""From so many on, a 1 x 1 convolution is computed as a matrix product."""


class TorchConvolution:
    """Convolution, addition and activation as three steps; runs on every device."""

    def __init__(self, convolution: nn.Conv2d, activation: str, device: torch.device):
        # torch takes both at once, and its stubs do not list that.
        self._convolution = convolution.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._activation = activation

    def __call__(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        return _finish(self._convolution(x), shortcut, self._activation)


class OneDNNConvolution:
    """Convolution, addition and activation in one step of oneDNN, with packed weights.

    These are the operations that torch's own compiler emits on a CPU. They are not a public
    interface, so they are tried before they are relied on.
    """

    def __init__(self, convolution: nn.Conv2d, activation: str, device: torch.device):
        self._geometry = [
            list(convolution.padding),
            list(convolution.stride),
            list(convolution.dilation),
            convolution.groups,
        ]
        self._activation, self._bounds = _ONEDNN_ACTIVATIONS[activation]
        self._bias = convolution.bias
        # Packed for maps of the size at the end; others run with this layout too.
        self._weight = torch.ops.mkldnn._reorder_convolution_weight(
            convolution.weight, *self._geometry, [4, convolution.in_channels, 29, 33]
        )

    def __call__(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        operation = torch.ops.mkldnn._convolution_pointwise
        activation: tuple = (self._activation, self._bounds, "")
        if shortcut is None:
            return operation(x, self._weight, self._bias, *self._geometry, *activation)
        if self._activation == "none":
            activation = (None, [], None)
        return operation.binary(
            x, shortcut, self._weight, self._bias, *self._geometry, "add", None, *activation
        )


class MatrixConvolution:
    """A 1 x 1 convolution as a matrix product, for many channels on a CPU.

    oneDNN packs the weights of 1 x 1 kernels by the size of the map, and packs them again at
    each call with a map of another size: 30 ms for 1024 x 512 channels, where the convolution
    takes one.
    """

    def __init__(self, convolution: nn.Conv2d, activation: str, device: torch.device):
        self._weight = convolution.weight.flatten(1)
        self._bias = convolution.bias
        self._rows, self._columns = convolution.stride
        self._activation = activation

    def __call__(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        pixels = x[:, :, :: self._rows, :: self._columns].permute(0, 2, 3, 1).contiguous()
        y = functional.linear(pixels, self._weight, self._bias).permute(0, 3, 1, 2)
        return _finish(y, shortcut, self._activation)

    @staticmethod
    def suits(convolution: nn.Conv2d) -> bool:
        """Whether a convolution has 1 x 1 kernels and many channels."""
        plain = convolution.kernel_size == (1, 1) and convolution.groups == 1
        return plain and convolution.weight.numel() >= _MANY_WEIGHTS


def _finish(y: Tensor, shortcut: Tensor | None, activation: str) -> Tensor:
    if shortcut is not None:
        y += shortcut
    if activation == "relu6":
        return y.clamp_(0.0, 6.0)
    if activation == "hardswish":
        return functional.hardswish(y, inplace=True)
    return y.relu_() if activation == "relu" else y


@torch.no_grad()
def fold(
    convolution: nn.Conv2d,
    norm: nn.BatchNorm2d | None,
    activation: str,
    device: torch.device,
    *,
    fused: bool = True,
) -> TorchConvolution | OneDNNConvolution | MatrixConvolution:
    """Make one operation of a convolution, its batch normalisation and its activation.

    Parameters
    ----------
    convolution : nn.Conv2d
        It stays as it is.
    norm : nn.BatchNorm2d or None
        What follows it, in eval mode.
    activation : {"none", "relu", "relu6", "hardswish"}
        What follows that.
    device : torch.device
        Where it runs.
    fused : bool, default=True
        Whether to use the operations of oneDNN, where they are.

    Returns
    -------
    callable
        Maps (batch, channels, rows, columns); quickest where that is ``channels_last`` in
        memory. A second argument of the result's shape is added before the activation.
    """
    folded = copy.deepcopy(convolution) if norm is None else fuse_conv_bn_eval(convolution, norm)
    fused = fused and _has_onednn_operations(device)
    folded.requires_grad_(False)
    if not fused:
        return TorchConvolution(folded, activation, device)
    kind = MatrixConvolution if MatrixConvolution.suits(convolution) else OneDNNConvolution
    return kind(folded, activation, device)


@torch.no_grad()
def fold_pointwise(
    convolution: nn.Conv2d, norm: nn.BatchNorm2d, activation: str, device: torch.device
) -> TorchConvolution | MatrixConvolution:
    """Make one operation of a 1 x 1 convolution of few channels and what follows it.

    For a network of many of these, a matrix product is the quickest on a CPU, as packed weights of
    oneDNN are packed again for maps of another size.
    """
    folded = fuse_conv_bn_eval(convolution, norm).requires_grad_(False)
    kind = MatrixConvolution if device.type == "cpu" else TorchConvolution
    return kind(folded, activation, device)


@cache
@torch.no_grad()
def _has_onednn_operations(device: torch.device) -> bool:
    """Whether the operations of `OneDNNConvolution` are there and compute what they should."""
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    with torch.random.fork_rng(devices=[]):
        convolution = nn.Conv2d(16, 16, 3, 1, 1).float()
    x = torch.linspace(-1, 1, 2 * 16 * 9 * 8, dtype=torch.float32).reshape(2, 16, 9, 8)
    x = 9 * x.contiguous(memory_format=torch.channels_last)
    tries: list[tuple[str, Tensor | None]] = [(name, None) for name in _ONEDNN_ACTIVATIONS]
    tries += [("none", x), ("relu", x)]
    try:
        results = [
            kind(convolution, activation, device)(x, shortcut)
            for kind in (OneDNNConvolution, TorchConvolution)
            for activation, shortcut in tries
        ]
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False
    return all(
        map(partial(torch.allclose, atol=1e-4), results[: len(tries)], results[len(tries) :])
    )
