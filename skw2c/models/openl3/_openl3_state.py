"""Build a network of OpenL3 from the arrays of a file, strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from ...exceptions import WeightsError
from .._state_checks import check_entry, shapes_of
from ._openl3_network import CHANNELS, OpenL3Network

# What Keras and torch call the entries; the first layer is a normalisation.
_NORM = {
    "weight": ("gamma", "weight"),
    "bias": ("beta", "bias"),
    "running_mean": ("moving_mean", "running_mean"),
    "running_var": ("moving_variance", "running_var"),
}
_CONVOLUTION = {"weight": ("kernel", "weight"), "bias": ("bias", "bias")}
_N_CONVOLUTIONS = 8
# By the number of rows of a spectrogram, which a layer that computes it has in its shapes.
_REPR_BY_ROWS = {257: "linear", 128: "mel128", 256: "mel256"}
_KINDS = {"audio": "sound", "image": "images"}

Layer = dict[str, tuple[str, Tensor]]


def build_openl3(
    state: Mapping[str, Tensor], source: str, side: str, input_repr: str | None = None
) -> OpenL3Network:
    """Build the network that a file describes, in eval mode.

    The file is one of OpenL3's own, whose layers count by their order, or one of
    torchopenl3, whose layers have names. Layers that compute spectrograms, which older
    files have, are passed over.

    Parameters
    ----------
    state : mapping of str to Tensor
        Entries of the file.
    source : str
        Its name, for the error.
    side : {"audio", "image"}
        Which of the two networks is expected.
    input_repr : str or None
        What the network is to be fed with, to compare with a file that tells.

    Raises
    ------
    WeightsError
        If the file is of another network, lacks a layer, or has a layer of another shape
        or with values that are not finite.
    """
    layers, spectrogram = _list_layers(state)
    if len(layers) != 2 * _N_CONVOLUTIONS:
        raise WeightsError(
            f"{source} is not a checkpoint of OpenL3: it has {len(layers)} layers with weights "
            "beside those that compute spectrograms, and OpenL3 has "
            f"{2 * _N_CONVOLUTIONS}, normalisations and convolutions in turn."
        )
    _check_representation(spectrogram, input_repr, source)
    filled: Layer = {}
    for k, (norm, convolution) in enumerate(zip(layers[::2], layers[1::2], strict=True)):
        filled |= _take(norm, _NORM, f"norms.{k}", source)
        filled |= _take(convolution, _CONVOLUTION, f"convolutions.{k}", source)
    _check_side(filled["convolutions.0.weight"], side, source)
    widths = [filled[f"convolutions.{k}.bias"][1].numel() for k in range(_N_CONVOLUTIONS)]
    own = shapes_of(lambda: OpenL3Network(side, widths), source, "OpenL3")
    for role, entry in filled.items():
        check_entry(*entry, own[role], source, "OpenL3")
    with torch.random.fork_rng(devices=[]):  # what it draws is replaced
        network = OpenL3Network(side, widths).float().eval()
    own = network.state_dict()
    counters = {role: value for role, value in own.items() if role not in filled}
    values = {role: value.float().contiguous() for role, (_, value) in filled.items()}
    network.load_state_dict(counters | values)
    return network.requires_grad_(False)


def _list_layers(state: Mapping[str, Tensor]) -> tuple[list[Layer], list[Tensor]]:
    """Entries of each layer by their last name, in order; and the arrays of spectrograms."""
    layers: dict[tuple, Layer] = {}
    spectrogram = []
    for name, value in state.items():
        if re.search(r"(spectrogram|speclayer)", name):
            spectrogram.append(value)
        elif not name.endswith("num_batches_tracked"):
            *layer, last = re.split(r"[/.]", name.removesuffix(":0"))
            layers.setdefault(_place_of(layer), {})[last] = (name, value)
    return [layers[place] for place in sorted(layers)], spectrogram


def _place_of(layer: list[str]) -> tuple:
    """Where a layer comes in the order: as the file says, or as torchopenl3 numbers it."""
    if layer and layer[0].isdigit():
        return (int(layer[0]),)
    number = re.search(r"_(\d+)$", layer[-1] if layer else "")
    is_norm = bool(layer) and layer[-1].startswith("batch_normalization")
    return (int(number[1]) if number else _N_CONVOLUTIONS, not is_norm)


def _take(layer: Layer, roles: Mapping[str, tuple[str, ...]], place: str, source: str) -> Layer:
    """The entries of a layer by their names in our network, in the layouts of torch."""
    taken = {}
    for role, names in roles.items():
        for name in layer.keys() & set(names):
            label, value = layer[name]
            if name == "kernel" and value.ndim == 4:
                label, value = f"{label} (in the order of torch)", value.permute(3, 2, 0, 1)
            taken[f"{place}.{role}"] = (label, value)
    if not len(taken) == len(roles) == len(layer):
        raise WeightsError(
            f"{source} does not fit OpenL3: where a "
            f"{'normalisation' if roles is _NORM else 'convolution'} with "
            f"{', '.join(names[0] for names in roles.values())} is expected, there is "
            f"{', '.join(sorted(label for label, _ in layer.values()))}."
        )
    return taken


def _check_representation(spectrogram: list[Tensor], input_repr: str | None, source: str) -> None:
    rows = {size for value in spectrogram for size in value.shape} & _REPR_BY_ROWS.keys()
    stated = {_REPR_BY_ROWS[size] for size in rows}
    if input_repr and stated and input_repr not in stated:
        raise WeightsError(
            f"{source} is of a network that takes {' or '.join(sorted(stated))!r}: pass it as "
            f"input_repr, which is {input_repr!r}."
        )


def _check_side(kernel: tuple[str, Tensor], side: str, source: str) -> None:
    """Tell the network of images from that of sound, which differ in their first layers."""
    _, value = kernel
    for other in CHANNELS.keys() - {side}:
        if value.ndim == 4 and value.shape[1] == CHANNELS[other]:
            raise WeightsError(
                f"{source} holds OpenL3's network of {_KINDS[other]}, expected its network of "
                f"{_KINDS[side]}."
            )
