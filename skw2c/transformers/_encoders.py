"""Encoders as parameters: how a name or a transformer becomes the encoder that works."""

from __future__ import annotations

import os
from dataclasses import replace

from sklearn.base import clone
from sklearn.utils import get_tags

from ..models._devices import device_beside
from ..system._optional import is_installed
from ..weights import WeightsReference
from ._encoder_registry import (
    READY,
    RegisteredEncoder,
    find_encoder,
    find_partner,
    is_registered,
    registration_of,
    thaw,
)

PARTNER = "auto"
"""Stands for the encoder that shares the space of another one."""


def resolve_encoder(encoder, embeds: str, **parameters):
    """Make the unfitted encoder that a parameter means.

    Parameters
    ----------
    encoder : str or transformer
        A registered name, or a transformer, which is cloned.
    embeds : {"audio", "text", "image", "video"}
        What it embeds.
    **parameters
        Parameters of encoders that are given by name, where they have them. ``mode`` is
        also set on transformers that have it, and ``tail`` if the mode is "frame".

    Raises
    ------
    ValueError
        If the name is not registered.
    """
    if isinstance(encoder, str):
        return _make(find_encoder(encoder, embeds), embeds, parameters)
    encoder = clone(encoder)
    names = ("mode", "tail") if parameters.get("mode") == "frame" else ("mode",)
    known = encoder.get_params(deep=False)
    shared = {n: parameters[n] for n in names if n in parameters and n in known}
    return encoder.set_params(**shared) if shared else encoder


def resolve_partner(partner, encoder, embeds: str, **parameters):
    """Make the unfitted encoder of texts or images that belongs to one of audio.

    Parameters
    ----------
    partner : str or transformer
        As for `resolve_encoder`; "auto" is the one that shares the space of ``encoder``.
    encoder : str or transformer
        The encoder of audio, as the user gave it.
    embeds : {"text", "image", "video"}
        What the partner embeds.
    **parameters
        As for `resolve_encoder`.

    Raises
    ------
    ValueError
        If it is not known which one shares the space, or the one that was chosen does not.
    """
    if not isinstance(partner, str) or partner != PARTNER:
        chosen = resolve_encoder(partner, embeds, **parameters)
        shared = _check_space(chosen, encoder, embeds)
        if isinstance(partner, str):
            return chosen.set_params(**shared)
        _check_shared(chosen, shared, encoder, embeds)
        return chosen
    found = make_partner(encoder, embeds, **parameters)
    if found is None:
        raise ValueError(
            f"No {embeds} encoder is known to share the space of {name_encoder(encoder)}: "
            f"pass {embeds}_encoder=..., one whose vectors can be compared with those of the "
            f"encoder{_hint_at_output(encoder, embeds)}{_hint_at_torch()}"
        )
    return found


def _hint_at_output(encoder, embeds: str) -> str:
    """What to do where only another output of the encoder has such a partner."""
    entry = _entry_of(encoder)
    if entry is None:
        return ""
    own = entry.make() if isinstance(encoder, str) else thaw(encoder)
    if own.get_params(deep=False).get("output", "embedding") == "embedding":
        return ""
    if make_partner(clone(own).set_params(output="embedding"), embeds) is None:
        return ""
    return f", or a {type(own).__name__} with output='embedding' instead of {own.output!r}"


def _hint_at_torch() -> str:
    """What to do where an encoder may be lacking because torch is."""
    if is_installed("torch"):
        return ""
    return (
        '. More encoders run in torch, which is not installed: pip install "skw2c[torch]"; or '
        "choose encoder='mini', which needs none and has words of its own"
    )


def make_partner(encoder, embeds: str, **parameters):
    """Make the unfitted encoder that shares the space of one of audio; None if none is known."""
    entry = _entry_of(encoder)
    if entry is None:
        return None
    found = find_partner(replace(entry, space=_space_of(entry, encoder)), embeds)
    if found is None:
        return None
    own = _shared_parameters(entry.make() if isinstance(encoder, str) else encoder, embeds)
    return _make(found, embeds, {**parameters, **own})


def takes_vectors(encoder) -> bool:
    """Whether an encoder takes ready vectors, and so cannot embed a query."""
    entry = _entry_of(encoder) if not isinstance(encoder, dict) else None
    return entry is not None and entry.embeds == READY


def tell_of_input(tags, estimator) -> None:
    """State in an estimator's tags what its parameter `encoder` takes."""
    encoder = estimator.encoder
    if isinstance(encoder, str):
        if not is_registered(encoder, "audio"):
            return  # `fit` says so
        encoder = resolve_encoder(encoder, "audio", on_error=estimator.on_error)
    inner = get_tags(encoder).input_tags
    tags.input_tags.string = inner.string
    tags.input_tags.allow_nan = inner.allow_nan


def _make(entry: RegisteredEncoder, embeds: str, parameters: dict):
    if embeds != "audio" and "device" in parameters:
        parameters = {**parameters, "device": device_beside(parameters["device"])}
    return entry.make(**parameters)


def _space_of(entry: RegisteredEncoder, encoder) -> str | None:
    """The space of an encoder, which may depend on its parameters."""
    encoder = entry.make() if isinstance(encoder, str) else thaw(encoder)
    return encoder.shared_space() if hasattr(encoder, "shared_space") else entry.space


def _check_space(partner, encoder, embeds: str) -> dict:
    """Refuse a partner of another space; return the parameters that one of the same takes over.

    Raises
    ------
    ValueError
        If both spaces are known, and they differ.
    """
    entry, own = _entry_of(encoder), registration_of(partner)
    if entry is None or own is None or entry.embeds == READY:  # vectors may be of any space
        return {}
    space = _space_of(entry, encoder)
    if space is None or own.space is None:
        return {}
    if space != own.space:
        raise ValueError(
            f"{embeds}_encoder gives vectors in the space {own.space!r}, and "
            f"{name_encoder(encoder)} in the space {space!r}: their cosines mean nothing. Leave "
            f"{embeds}_encoder out, or choose two of one space"
        )
    return _shared_parameters(entry.make() if isinstance(encoder, str) else encoder, embeds)


def _check_shared(partner, shared: dict, encoder, embeds: str) -> None:
    """Refuse a partner with other weights than it shares with the encoder."""
    known = thaw(partner).get_params(deep=False)
    for name, value in shared.items():
        if name in known and not _is_same(known[name], value):
            raise ValueError(
                f"{embeds}_encoder has {name}={known[name]!r}, and {name_encoder(encoder)} has "
                f"{name}={value!r}: they were not trained for each other. Leave {embeds}_encoder "
                f"out, or give both the same {name}"
            )


def _is_same(known, shared) -> bool:
    """Whether two parameters mean the same, such as a path and the reference to it."""
    if isinstance(shared, WeightsReference) and isinstance(known, (str, os.PathLike)):
        name = os.fspath(known)
        return name == shared.name or os.path.abspath(os.path.expanduser(name)) == shared.path
    return known == shared


def _entry_of(encoder) -> RegisteredEncoder | None:
    return find_encoder(encoder, "audio") if isinstance(encoder, str) else registration_of(encoder)


def _shared_parameters(encoder, embeds: str) -> dict:
    """Parameters that a partner takes over, such as one file of weights for both."""
    encoder = thaw(encoder)
    return encoder.partner_parameters(embeds) if hasattr(encoder, "partner_parameters") else {}


def name_encoder(encoder) -> str:
    """What messages call an encoder: the parameter, where it was given by name, or its class."""
    return f"encoder={encoder!r}" if isinstance(encoder, str) else type(thaw(encoder)).__name__
