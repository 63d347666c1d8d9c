"""The space that a student shares with its teacher, as it is written beside the weights."""

from __future__ import annotations

import json
import os
from dataclasses import asdict

from ..exceptions import WeightsError
from ..weights import WeightsReference, read_metadata, registry
from ._encoder_registry import thaw
from ._sound_transformer import SoundTransformer

_SPACE, _WORDS, _TEMPERATURE = "space", "words", "temperature"
_KEPT = ("name", "path", "sha256")


def describe_space(teacher) -> dict[str, str]:
    """What a student has to know of its teacher to find the words of its space.

    Parameters
    ----------
    teacher : transformer
        Fitted.

    Returns
    -------
    dict of str to str
        For the metadata of the student's weights. Empty where the teacher shares its space with
        nothing, or its words are in memory only.
    """
    teacher = thaw(teacher)
    if not (isinstance(teacher, SoundTransformer) and hasattr(teacher, "shared_space")):
        return {}
    space = teacher.shared_space()
    if space is None:
        return {}
    weights = teacher.partner_parameters("text").get("weights")
    if weights is None:
        return {_SPACE: space}
    reference = weights if isinstance(weights, WeightsReference) else teacher.weights_
    if reference.in_memory is not None or reference.seed is not None:
        return {}
    words = {name: value for name, value in asdict(reference).items() if name in _KEPT and value}
    temperature = teacher.suggest_temperature()
    stated = {} if temperature is None else {_TEMPERATURE: repr(float(temperature))}
    return {_SPACE: space, _WORDS: json.dumps(words), **stated}


def read_space(encoder) -> dict[str, str]:
    """What `describe_space` wrote of the weights of an encoder, fitted or not; else nothing."""
    stated = _read_metadata(encoder)
    return {name: stated[name] for name in (_SPACE, _WORDS, _TEMPERATURE) if name in stated}


def words_of(stated: dict[str, str]) -> WeightsReference | None:
    """The weights that hold the words; None where the space has no weights of its own.

    Raises
    ------
    WeightsError
        If what is stated cannot be understood.
    """
    if _WORDS not in stated:
        return None
    try:
        words = {name: str(value) for name, value in json.loads(stated[_WORDS]).items()}
        name, path, sha256 = map(words.get, _KEPT)
        return WeightsReference(name, path, sha256)
    except (AttributeError, TypeError, ValueError, RecursionError) as exc:
        raise WeightsError(f"The weights state words that cannot be understood ({exc}).") from exc


def temperature_of(stated: dict[str, str]) -> float | None:
    """What the teacher divides cosines by; None where it is not stated."""
    try:
        return float(stated[_TEMPERATURE])
    except (KeyError, ValueError):
        return None


def _read_metadata(encoder) -> dict[str, str]:
    weights = getattr(encoder, "weights_", encoder.weights)
    if isinstance(weights, WeightsReference):
        is_official = weights.name is not None and not registry()[weights.name].packaged
        return {} if is_official else weights.metadata()
    if weights is None or weights in registry():
        return {}
    path = os.path.expanduser(os.fspath(weights))
    return read_metadata(path) if os.path.isfile(path) else {}
