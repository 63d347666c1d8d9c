"""What stands beside the weights of CLAP, in the files of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...exceptions import WeightsError
from ...weights import WeightsReference
from ...weights._companion import parse_companion
from ._clap_front_end import FFT_LENGTH, HOP_LENGTH, N_BANDS, RATE, WINDOW_LENGTH
from ._htsat import PATCH, SIDE, WINDOW

# What the networks here are made for, of each part of a configuration.
_MODEL = {
    "audio_config": {
        "num_mel_bins": N_BANDS,
        "spec_size": SIDE,
        "patch_size": PATCH,
        "window_size": WINDOW,
        "hidden_act": "gelu",
        "enable_patch_layer_norm": True,
    },
    "text_config": {"hidden_act": "gelu", "pad_token_id": 1},
}
_FRONT_END = {
    "sampling_rate": RATE,
    "fft_window_size": FFT_LENGTH,
    "hop_length": HOP_LENGTH,
    "feature_size": N_BANDS,
    "max_length_s": WINDOW_LENGTH // RATE,
    "padding": "repeatpad",
}
_EDGES = (50.0, 14000.0)


@dataclass(frozen=True)
class CLAPDescription:
    """What the shapes of the weights do not tell.

    Attributes
    ----------
    text_heads : int or None
        Heads of attention of the network of texts; None for one for each 64 numbers.
    text_epsilon : float
        What its normalisations add to variances.
    edges : tuple of float
        Lowest and highest frequency of the filters, in Hz.
    """

    text_heads: int | None = None
    text_epsilon: float = 1e-12
    edges: tuple[float, float] = _EDGES


def describe_clap(reference: WeightsReference) -> CLAPDescription:
    """Read what the folder of the weights says, or take what the official files are.

    Raises
    ------
    WeightsError
        If it is damaged, or describes what the networks here are not made for.
    """
    model = _read_json(reference, "config.json")
    front_end = _read_json(reference, "preprocessor_config.json")
    for part, expected in _MODEL.items():
        _compare(model.get(part, {}), expected, f"{part} of config.json", reference)
    _compare(front_end, _FRONT_END, "preprocessor_config.json", reference)
    text = model.get("text_config", {})
    edges = front_end.get("frequency_min", _EDGES[0]), front_end.get("frequency_max", _EDGES[1])
    try:
        heads = text.get("num_attention_heads")
        return CLAPDescription(
            text_heads=None if heads is None else int(heads),
            text_epsilon=float(text.get("layer_norm_eps", 1e-12)),
            edges=(float(edges[0]), float(edges[1])),
        )
    except (TypeError, ValueError) as exc:
        raise WeightsError(
            f"{reference.label} has a description with values that are not numbers ({exc})."
        ) from exc


def _read_json(reference: WeightsReference, name: str) -> dict:
    stated = parse_companion(reference.read_companion(name), name, reference.label) or {}
    if not all(isinstance(stated.get(part, {}), Mapping) for part in _MODEL):
        raise WeightsError(f"{reference.label} has a {name} that describes no model.")
    return stated


def _compare(found: Mapping, expected: Mapping, place: str, reference: WeightsReference) -> None:
    for name, value in expected.items():
        if found.get(name, value) != value:
            raise WeightsError(
                f"{reference.label} is not a CLAP that can be run here: {name} is "
                f"{found[name]!r} in {place}, expected {value!r}."
            )
