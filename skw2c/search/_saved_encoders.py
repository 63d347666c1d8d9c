"""The encoders of a saved index: described when it is saved, and made again when it is loaded."""

from __future__ import annotations

from ..exceptions import SavedIndexError
from ..system._warning import warn_caller
from ..transformers._encoder_descriptions import (
    describe_encoder,
    differences,
    outline_encoder,
    restore_encoder,
    to_json,
    why_not_saved,
)
from ..transformers._encoders import name_encoder
from ..transformers._labels import is_table
from ..transformers._taught_space import known_space, recall_space
from ..transformers._weights_by_reference import IN_MEMORY

_MODALITIES = {"encoder": "audio", "text_encoder": "text", "image_encoder": "image"}
_SPACE = "space"
"""What of the description of a student says in which space its vectors lie."""
_SAVED = ("mode", "prompts", "method", "frame_length", "hop_length", "tail")


def describe_parameters(index, encoder) -> dict:
    """What the list of a saved index says of its parameters and encoders.

    Parameters
    ----------
    index : AudioIndex
    encoder : transformer, dict or str
        Its fitted encoder of clips, or the description of one.
    """
    own = index.get_params(deep=False)
    parameters = {name: to_json(own[name]) for name in _SAVED}
    if not isinstance(parameters["prompts"], str):
        parameters["prompts"] = list(parameters["prompts"])
    return {
        "parameters": parameters,
        "encoder": encoder if isinstance(encoder, dict) else _describe_fitted(encoder),
        "text_encoder": _describe_unfitted(index.text_encoder),
        "image_encoder": _describe_unfitted(index.image_encoder),
    }


def warn_of_unsaved(index, encoder) -> None:
    """Say at once which encoders a loaded index will lack; tables are never saved."""
    place = "folder" if index.store is None else "store"
    for parameter in _MODALITIES:
        own = encoder if parameter == "encoder" else getattr(index, parameter)
        is_described = own is None or isinstance(own, dict) or is_table(own)
        reason = None if is_described else why_not_saved(own)
        if reason is not None:
            warn_caller(
                f"{parameter}={name_encoder(own)} is not saved with the index, since {reason}: "
                f"pass it to AudioIndex.load({place}, {parameter}=...)"
            )


def restore_parameters(listed: dict) -> dict:
    """Parameters of an index as its list states them; none but those that were saved."""
    restored = {
        parameter: listed[parameter] and restore_encoder(listed[parameter], kind, fitted=False)
        for parameter, kind in _MODALITIES.items()
    }
    for encoder in restored.values():
        if hasattr(encoder, "_parameter_constraints"):
            encoder._validate_params()
    restored["encoder"] = restored["encoder"] or "passthrough"
    # Indexes that were saved before this parameter were made without the ends of clips.
    saved = {"tail": "drop", **listed["parameters"]}
    return {**{name: saved[name] for name in _SAVED}, **restored}


def restore_fitted(description: dict | str, **parameters):
    """The fitted encoder of clips of a saved index.

    Raises
    ------
    SavedIndexError
        If the description does not say enough, or is damaged.
    """
    try:
        encoder = restore_encoder(description, "audio", **parameters)
    except (ArithmeticError, AttributeError, KeyError, TypeError) as exc:
        raise SavedIndexError(
            f"The list of the saved index is damaged: its encoder cannot be made "
            f"({type(exc).__name__}: {exc})"
        ) from exc
    if encoder is None:
        raise _unknown(description)
    return encoder


def outline(description: dict):
    """The encoder of clips of a saved index, as far as its partners depend on it.

    Raises
    ------
    SavedIndexError
        If its class is not registered.
    """
    encoder = outline_encoder(description)
    if encoder is None:
        raise _unknown(description)
    recall_space(encoder, description.get(_SPACE), lambda: _refer_to_weights(encoder, description))
    return encoder


def check_replacement(described: dict | str, encoder, named: str) -> None:
    """Refuse an encoder that gives other vectors than the one that was described."""
    different = differences(described, describe_encoder(encoder))
    if different:
        raise SavedIndexError(
            f"{named} makes other vectors than the encoder of the saved index: they differ in "
            f"{', '.join(different)}. Pass one that is the same, or build the index again"
        )


def _unknown(description: dict | str) -> SavedIndexError:
    kind = description if isinstance(description, str) else description["class"]
    return SavedIndexError(
        f"The index was made with an encoder of the class {kind}, whose weights "
        "were not saved with it: pass it, AudioIndex.load(folder, encoder=...)"
    )


def _describe_fitted(encoder) -> dict | str:
    """The description of an encoder, with the space that a student shares with its teacher.

    Words are then found without the file of the weights, which may be moved or replaced.
    """
    description, known = describe_encoder(encoder), known_space(encoder)
    if known is None or isinstance(description, str):
        return description
    return {**description, _SPACE: known}


def _refer_to_weights(encoder, description: dict):
    """The reference to the weights that an encoder was fitted with, where they are in a file."""
    weights = description.get("weights")
    if weights in (None, IN_MEMORY):
        return None
    texts = [weights.get(name) for name in ("name", "path", "sha256")]
    try:
        if weights.get("in_memory") or not all(isinstance(text, str | None) for text in texts):
            raise TypeError("they are not what a file is known by")
        return encoder.refer_to_described(description)
    except TypeError as exc:
        raise SavedIndexError(
            f"The list of the saved index is damaged: the weights of its encoder ({exc}). Load it "
            "with AudioIndex.load(folder, encoder=...), or build it again"
        ) from exc


def _describe_unfitted(encoder) -> dict | str | None:
    """Tables and encoders that are not registered are not saved."""
    if encoder is None or is_table(encoder):
        return None
    description = describe_encoder(encoder)
    return description if isinstance(description, str) or "parameters" in description else None
