"""Read the weights of YAMNet from the arrays of a file, strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...exceptions import WeightsError
from .._state_checks import check_entry, check_names
from ._yamnet_front_end import LOG_OFFSET, hann_window, mel_matrix
from ._yamnet_network import N_CLASSES, N_LAYERS, YAMNetWeights

_EPSILON = 1e-4
_NORM = ("beta", "moving_mean", "moving_variance")
_OPERATORS = ["CONV_2D", *["DEPTHWISE_CONV_2D", "CONV_2D"] * (N_LAYERS // 2)]
# From the layouts of TensorFlow and TFLite to that of torch.
_KERAS_ORDER, _KERAS_DEPTHWISE_ORDER = (3, 2, 0, 1), (2, 3, 0, 1)
_TFLITE_ORDER = {"CONV_2D": (0, 3, 1, 2), "DEPTHWISE_CONV_2D": (3, 0, 1, 2)}

Entry = tuple[str, Tensor]


@dataclass
class _Parts:
    """What a file holds, with the names that its errors call it by."""

    layers: list[tuple[Entry, Entry]]
    classifier: tuple[Entry, Entry]
    activation: str
    front_end: list[tuple[Entry, np.ndarray]]


def read_yamnet(state: Mapping[str, Tensor], source: str) -> YAMNetWeights:
    """Read the weights, of as many channels as the file has.

    The file is the official one of Keras, the official program of TFLite, or one of arrays
    with the batch normalisation folded into kernels and biases, named
    ``layer01_conv/kernel`` to ``layer27_pointwise/bias``, and ``classifier/*`` and
    ``frontend/*``.

    Parameters
    ----------
    state : mapping of str to Tensor
        Entries of the file.
    source : str
        Its name, for the error.

    Raises
    ------
    WeightsError
        If the file is of another network, or an entry is missing, unexpected, of another
        shape, or not finite, or describes another spectrogram.
    """
    if any(name.endswith("layer1/conv/kernel:0") for name in state):
        parts = _read_keras(state, source)
    elif "layer01_conv/kernel" in state:
        parts = _read_arrays(state, source)
    elif any("/CONV_2D/" in name for name in state):
        parts = _read_tflite(state, source)
    else:
        raise WeightsError(
            f"{source} is not a checkpoint of YAMNet: its first entry is "
            f"{next(iter(state), None)!r}. Expected the official yamnet.h5 or yamnet.tflite, or "
            "arrays named 'layer01_conv/kernel' and so on."
        )
    _check_shapes(parts, source)
    for (name, value), expected in parts.front_end:
        check_entry(name, value, torch.empty(expected.shape, device="meta"), source, "YAMNet")
        if not np.allclose(value.double().numpy(), expected, atol=1e-5):
            raise WeightsError(
                f"{source} does not fit YAMNet: {name} is of another spectrogram than the "
                "official one."
            )
    return YAMNetWeights(
        layers=[(kernel.float(), bias.float()) for (_, kernel), (_, bias) in parts.layers],
        classifier=(parts.classifier[0][1].float(), parts.classifier[1][1].float()),
        activation=parts.activation,
    )


def _check_shapes(parts: _Parts, source: str) -> None:
    n_inputs = 1
    for number, (kernel, bias) in enumerate(parts.layers, 1):
        n_outputs = n_inputs if number % 2 == 0 else kernel[1].shape[:1].numel()
        pointwise = number > 1 and number % 2
        shape = (n_outputs, n_inputs, 1, 1) if pointwise else (n_outputs, 1, 3, 3)
        _check(kernel, shape, source)
        _check(bias, (n_outputs,), source)
        n_inputs = n_outputs
    _check(parts.classifier[0], (N_CLASSES, n_inputs), source)
    _check(parts.classifier[1], (N_CLASSES,), source)


def _check(entry: Entry, shape: tuple[int, ...], source: str) -> None:
    check_entry(*entry, torch.empty(shape, device="meta"), source, "YAMNet")


def _reorder(name: str, value: Tensor, order: tuple[int, ...], source: str) -> Entry:
    """Bring an entry into the layout of torch."""
    if value.ndim != len(order):
        raise WeightsError(
            f"{source} does not fit YAMNet: {name} has shape {tuple(value.shape)}, expected "
            f"{len(order)} dimensions."
        )
    return f"{name} (in the order of torch)", value.permute(*order).contiguous()


def _take_pair(state: Mapping[str, Tensor], kernel: str, bias: str) -> tuple[Entry, Entry]:
    return (kernel, state[kernel]), (bias, state[bias])


def _require(state: Mapping[str, Tensor], expected: set[str], source: str) -> None:
    check_names(
        missing=sorted(expected - state.keys()),
        unexpected=sorted(state.keys() - expected),
        source=source,
        model="YAMNet",
    )


def _read_keras(state: Mapping[str, Tensor], source: str) -> _Parts:
    state = {re.sub(r"^\d+/", "", name): value for name, value in state.items()}
    layers = [("layer1/conv", "kernel", _KERAS_ORDER)]
    for number in range(2, N_LAYERS // 2 + 2):
        layers += [
            (f"layer{number}/depthwise_conv", "depthwise_kernel", _KERAS_DEPTHWISE_ORDER),
            (f"layer{number}/pointwise_conv", "kernel", _KERAS_ORDER),
        ]
    logits = ["logits/logits/kernel:0", "logits/logits/bias:0"]
    kernels = {f"{layer}/{layer}/{kernel}:0" for layer, kernel, _ in layers}
    norms = {f"{layer}/bn/{layer}/bn/{entry}:0" for layer, _, _ in layers for entry in _NORM}
    _require(state, kernels | norms | set(logits), source)
    folded = []
    for layer, kind, order in layers:
        name = f"{layer}/{layer}/{kind}:0"
        kernel = _reorder(name, state[name], order, source)
        norm = [f"{layer}/bn/{layer}/bn/{entry}:0" for entry in _NORM]
        folded.append(_fold(kernel, [(entry, state[entry]) for entry in norm], source))
    classifier = _reorder(logits[0], state[logits[0]], (1, 0), source)
    return _Parts(folded, (classifier, (logits[1], state[logits[1]])), "relu", [])


def _fold(kernel: Entry, norm: list[Entry], source: str) -> tuple[Entry, Entry]:
    """Kernel and bias of a convolution and the normalisation after it, which has no scale."""
    name, value = kernel
    for entry in norm:
        _check(entry, (len(value),), source)
    beta, mean, variance = (entry.double() for _, entry in norm)
    scale = 1 / torch.sqrt(variance + _EPSILON)
    bias = beta - mean * scale
    return (name, (value * scale[:, None, None, None]).float()), (norm[0][0], bias.float())


def _read_arrays(state: Mapping[str, Tensor], source: str) -> _Parts:
    kinds = ["conv", *["depthwise", "pointwise"] * (N_LAYERS // 2)]
    prefixes = [f"layer{number:02d}_{kind}" for number, kind in enumerate(kinds, 1)]
    prefixes.append("classifier")
    pairs = [(f"{prefix}/kernel", f"{prefix}/bias") for prefix in prefixes]
    spectrogram = {
        "frontend/window": hann_window(),
        "frontend/mel_matrix": mel_matrix(),
        "frontend/log_offset": np.array(LOG_OFFSET),
    }
    _require(state, {name for pair in pairs for name in pair} | spectrogram.keys(), source)
    *layers, classifier = [_take_pair(state, *pair) for pair in pairs]
    front_end = [((name, state[name]), expected) for name, expected in spectrogram.items()]
    return _Parts(layers, classifier, "relu6", front_end)


def _read_tflite(state: Mapping[str, Tensor], source: str) -> _Parts:
    names = [re.match(r"(\d+)/(\w+)/(\w+)/\d+$", name) for name in sorted(state)]
    found = dict.fromkeys(match.groups() for match in names if match)
    with_weights = [key for key in found if key[1] in ("FULLY_CONNECTED", *_TFLITE_ORDER)]
    kinds, activations = [kind for _, kind, _ in with_weights], {key[2] for key in with_weights}
    activation = activations - {"NONE"}
    expected = ["FULLY_CONNECTED", *_OPERATORS, "FULLY_CONNECTED"]
    if kinds != expected or activation not in ({"RELU"}, {"RELU6"}):
        raise WeightsError(
            f"{source} is of another program than YAMNet: YAMNet computes a spectrogram and has "
            f"{N_LAYERS} layers of convolution, all with RELU or all with RELU6, and a classifier; "
            f"the operators with weights of this one are {_summarise(kinds)}, with "
            f"{', '.join(sorted(activations))}."
        )
    prefixes = ["/".join(key) for key in with_weights]
    required = {f"{prefix}/{position}" for prefix in prefixes for position in (1, 2)}
    check_names(sorted(required - state.keys()), [], source, "YAMNet")
    mel, *layers, classifier = [
        _take_pair(state, f"{prefix}/1", f"{prefix}/2") for prefix in prefixes
    ]
    layers = [
        (_reorder(*kernel, _TFLITE_ORDER[kind], source), bias)
        for (kernel, bias), kind in zip(layers, _OPERATORS, strict=True)
    ]
    offset = np.full(len(mel_matrix()), LOG_OFFSET)
    front_end = [(mel[0], mel_matrix()), (mel[1], offset)]
    front_end += [((name, state[name]), hann_window()) for name in state if "/MUL/" in name]
    return _Parts(layers, classifier, activation.pop().lower(), front_end)


def _summarise(kinds: list[str]) -> str:
    """Operators, how often each comes."""
    counts = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
    return ", ".join(counts) or "none"
