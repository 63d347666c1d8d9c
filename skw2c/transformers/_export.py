"""Encoders as ONNX models, from waveforms of any length to what `transform` gives."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict

import torch

from ..engines import import_onnx, trace_encoder
from ..models import EncoderGraph, Framing, Front, Tail
from ..system._atomic import write_atomically
from ..weights import WeightsReference
from ._embedding import average, average_directions
from ._encoder_registry import registration_of
from ._encoders import make_partner
from ._export_facts import check_file, describe_origin

_POOLING = {None: "none", average: "mean", average_directions: "directions"}


def write_onnx(
    encoder,
    graph: EncoderGraph,
    framing: Framing | None,
    pool: Callable | None,
    path: str | os.PathLike,
) -> None:
    """Write a fitted encoder as an ONNX model.

    Parameters
    ----------
    encoder : SoundTransformer
    graph : EncoderGraph
        What it computes.
    framing : Framing or None
        Its windows; None where it sees a clip as a whole.
    pool : callable or None
        What makes the vector of a clip of those of its windows.
    path : str or os.PathLike
        Where to.
    """
    onnx = import_onnx()
    front, tail = make_ends(encoder, graph, framing, pool)
    waveforms = torch.zeros(2, _length_of_example(encoder._rate, framing), dtype=torch.float32)
    model = trace_encoder(front, graph.network, tail, waveforms)
    onnx.helper.set_model_props(model, describe(encoder, framing))
    write_atomically(path, model.SerializeToString())


def check_export(path: str | os.PathLike) -> None:
    """Refuse, before the work, what no model can be written to, and that packages are missing."""
    check_file(path)
    import_onnx()


def make_ends(
    encoder, graph: EncoderGraph, framing: Framing | None, pool: Callable | None
) -> tuple[Front, Tail]:
    """What comes before and after the network. Parameters are those of `write_onnx`."""
    tail = Tail(
        graph,
        pooling=_POOLING[pool],
        keep_frames=encoder.mode == "frame",
        normalize=encoder.normalize,
    )
    return Front(graph, framing), tail


def describe(encoder, framing: Framing | None) -> dict[str, str]:
    """What whoever runs the model has to know of it."""
    facts = {
        **describe_origin(encoder),
        "sampling_rate": str(encoder._rate),
        "mode": encoder.mode,
        "output": encoder._output(),
        "normalize": json.dumps(bool(encoder.normalize)),
        **_describe_words(encoder),
    }
    if encoder.mode == "frame" and framing is not None:
        facts["frames"] = json.dumps(asdict(framing))
    return {name: value for name, value in facts.items() if value is not None}


def _length_of_example(rate: int, framing: Framing | None) -> int:
    """So many samples that there are several windows, and a rest."""
    if framing is None:
        return 2 * rate
    return framing.length + 2 * framing.hop + framing.hop // 2


def _describe_words(encoder) -> dict[str, str | None]:
    """The encoder of texts that shares the space of the vectors, and what belongs to it."""
    partner = make_partner(encoder, "text")
    entry = None if partner is None else registration_of(partner)
    if entry is None or encoder._output() == "encoder":
        return {}
    temperature = None
    if hasattr(encoder, "suggest_temperature"):
        temperature = encoder.suggest_temperature()
    return {
        "words": entry.name,
        "words_weights": _weights_of_words(encoder),
        "temperature": None if temperature is None else repr(float(temperature)),
    }


def _weights_of_words(encoder) -> str | None:
    """Which weights the encoder of texts has; None for the default ones of its name."""
    if not hasattr(encoder, "partner_parameters"):
        return None
    for shared in encoder.partner_parameters("text").values():
        own = shared if isinstance(shared, WeightsReference) else encoder.weights_
        return own.fingerprint
    return None
