"""The space that a student shares with its teacher, as it is written beside the weights."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict

from ..exceptions import WeightsError
from ..weights import WeightsReference, read_metadata, refer_to, registry
from ._encoder_registry import thaw
from ._sound_transformer import SoundTransformer

_SPACE, _WORDS, _TEMPERATURE = "space", "words", "temperature"
_KEPT = ("name", "path", "sha256")
_STUDENTS = "wav2clip"
"""The model that students are weights of."""
_RECALLED = "_recalled_space"


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
    """What `describe_space` wrote of the weights of an encoder, fitted or not; else nothing.

    Raises
    ------
    WeightsError
        If the file of the weights is missing, or is not the one that the encoder was fitted with.
    """
    recalled = getattr(encoder, _RECALLED, None)
    stated = _read_metadata(encoder) if recalled is None else recalled
    return {name: stated[name] for name in (_SPACE, _WORDS, _TEMPERATURE) if name in stated}


def known_space(encoder) -> dict[str, str] | None:
    """What `read_space` says of a fitted encoder, to be kept where its weights may be lost.

    Parameters
    ----------
    encoder : transformer or str

    Returns
    -------
    dict of str to str, or None
        None where there is nothing to keep: the weights have a name, or are none of a student; or
        their file is lost already.
    """
    encoder = thaw(encoder)
    if not _may_be_student(encoder):
        return None
    reference = getattr(encoder, "weights_", None)
    if reference is None or (reference.path is None and reference.in_memory is None):
        return None
    try:
        return read_space(encoder)
    except WeightsError:
        return None


def recall_space(encoder, known: dict[str, str] | None, reference: Callable) -> None:
    """Tell an unfitted encoder what is known of its space.

    Parameters
    ----------
    encoder : transformer
    known : dict of str to str, or None
        What `known_space` returned when it was fitted.
    reference : callable
        Returns the reference to the weights that it was fitted with, or None. It is called where
        nothing is known: they are then read, and must be those.
    """
    if not _may_be_student(encoder):
        return
    if known is not None:
        setattr(encoder, _RECALLED, known)
    elif (weights := reference()) is not None:
        encoder.weights_ = weights


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


def _may_be_student(encoder) -> bool:
    return isinstance(encoder, SoundTransformer) and encoder._model == _STUDENTS


def _read_metadata(encoder) -> dict[str, str]:
    weights = getattr(encoder, "weights_", encoder.weights)
    if isinstance(weights, WeightsReference):
        return _read_referred(weights)
    if weights is None or weights in registry():
        return {}
    path = os.path.expanduser(os.fspath(weights))
    if not os.path.isfile(path):
        _find(weights)
    return read_metadata(path)


def _read_referred(reference: WeightsReference) -> dict[str, str]:
    """The metadata of weights, which must be those that are referred to."""
    if reference.path is None:
        return {} if _is_official(reference.name) else reference.metadata()
    found = _find(reference.path)
    if reference.sha256 not in (None, found.sha256):
        raise WeightsError(
            f"{reference.label} is not the one that the encoder was fitted with (its SHA-256 is "
            f"{found.sha256}, and was {reference.sha256}), so the words of its vectors are not "
            "known: put the former file back, or name the file where it is now"
        )
    return reference.metadata()


def _is_official(name: str | None) -> bool:
    """Whether weights are fetched by this name, and so are none of a student."""
    if name is None:
        return False
    entry = registry().get(name)
    if entry is None:
        raise WeightsError(
            f"The weights {name!r} are not known here: use the skw2c that named them, or name a "
            "file of weights"
        )
    return not entry.packaged


def _find(weights) -> WeightsReference:
    """Refer to a file, and say why it is needed where it is missing."""
    try:
        return refer_to(weights)
    except WeightsError as exc:
        raise WeightsError(
            f"{exc} The file says in which space the vectors lie: put it back, or name it where it "
            "is now"
        ) from exc
