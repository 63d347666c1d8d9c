"""Encoders in what JSON can hold: described in a saved index, and made again from it."""

from __future__ import annotations

import os

import numpy as np

from ..weights import WeightsReference
from ._encoder_registry import (
    READY,
    construct,
    find_class,
    find_encoder,
    key_of,
    registration_of,
    thaw,
)
from ._weights_by_reference import IN_MEMORY, WeightsByReference

_FORMER_PRECISION = ("precision", "float32")

# How an encoder works on this machine, which says nothing of its vectors.
_LOCAL = {"device", "n_jobs", "memory", "verbose", "batch_size", "on_error"}


def describe_encoder(encoder) -> dict | str:
    """Describe an encoder in what JSON can hold; its weights too, where it is fitted.

    An encoder that is not registered is described by its class alone, from which it cannot be
    made again, and one with parameters that JSON cannot hold by its class and its weights'
    fingerprint; one of ready vectors by its name.
    """
    if isinstance(encoder, str):
        return encoder
    encoder = thaw(encoder)
    entry = registration_of(encoder)
    bare = {"class": f"{type(encoder).__module__}.{type(encoder).__qualname__}"}
    if entry is None:
        return bare
    if entry.embeds == READY and entry.name is not None:
        return entry.name
    parameters = _describe_parameters(encoder)
    description = {"class": key_of(type(encoder)), "parameters": parameters}
    if hasattr(encoder, "describe_weights"):
        description.update(encoder.describe_weights())
    if not all(map(_fits_json, parameters.values())):
        return {**bare, "identity": description.get("identity")}
    return description


def why_not_saved(encoder) -> str | None:
    """Say why an encoder cannot be made again from its description; None where it can."""
    if isinstance(encoder, str):
        return None
    encoder = thaw(encoder)
    if registration_of(encoder) is None or find_class(key_of(type(encoder))) is None:
        return "its class is not registered (see skw2c.register_encoder)"
    if _is_in_memory(describe_encoder(encoder)):
        return "its weights are in memory only"
    odd = [name for name, value in _describe_parameters(encoder).items() if not _fits_json(value)]
    return f"its parameter {odd[0]!r} does not fit into JSON" if odd else None


def to_json(value):
    """A parameter as JSON can hold it: paths as strings, numpy's numbers as Python's."""
    if isinstance(value, WeightsReference):
        return None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.item() if isinstance(value, np.generic) else value


def restore_encoder(description: dict | str, embeds: str, *, fitted: bool = True, **parameters):
    """Make the encoder that was described; None if that does not say enough.

    It does not for classes that are not registered, and for weights that were in memory.

    Parameters
    ----------
    description : dict or str
        What `describe_encoder` gave.
    embeds : {"audio", "text", "image", "video"}
        What the encoder embeds, where the description is a name.
    fitted : bool, default=True
        Whether to give it the weights that it had. A name is given back as it is otherwise.
    **parameters
        Parameters such as ``device`` that the description leaves open.
    """
    if isinstance(description, str):
        if not fitted:
            return description
        return find_encoder(description, embeds).make(**parameters).fit(None, None)
    kind = find_class(description["class"])
    if kind is None or _is_in_memory(description) or _is_bare(description):
        return None
    # What works on this machine alone is never taken from a file.
    described = {n: v for n, v in description["parameters"].items() if n not in _LOCAL}
    encoder = construct(kind, {**parameters, **_in_terms_of_today(described)})
    if not fitted:
        return _point_to_weights(encoder, description)
    has_weights = hasattr(encoder, "adopt_weights") and description.get("weights")
    return encoder.adopt_weights(description) if has_weights else encoder.fit(None, None)


def _point_to_weights(encoder, description: dict):
    """Give an unfitted encoder the parameter for its weights."""
    if isinstance(encoder, WeightsByReference) and description.get("weights"):
        encoder.refer_to_described(description)
    return encoder


def outline_encoder(description: dict):
    """Make the encoder that was described without its weights; None if its class is unknown."""
    kind = find_class(description["class"])
    return kind and construct(kind, description.get("parameters", {}))


def differences(one: dict | str, other: dict | str) -> list[str]:
    """What makes two described encoders give the same clip other vectors.

    Of classes that are not registered no more than the class is compared.
    """
    if isinstance(one, str) or isinstance(other, str):
        return [] if one == other else ["encoder"]
    ours, theirs = map(_without_location, (one, other))
    return [name for name in ours | theirs if ours.get(name) != theirs.get(name)]


def terms_of_vectors(encoder) -> dict:
    """What the vectors of a fitted encoder depend on, in what JSON can hold.

    Where its weights lie does not count. Of classes that are not registered there is no more than
    the name; of a pipeline there are the terms of each step.
    """
    encoder = thaw(encoder)
    if hasattr(encoder, "steps"):
        steps = {name: terms_of_vectors(step) for name, step in encoder.steps}
        return {f"{step}.{name}": v for step, terms in steps.items() for name, v in terms.items()}
    described = describe_encoder(encoder)
    return {"encoder": described} if isinstance(described, str) else _without_location(described)


def _describe_parameters(encoder) -> dict:
    parameters = encoder.get_params(deep=False)
    if not isinstance(parameters.get("random_state"), (int, type(None))):
        parameters["random_state"] = None  # the seed stands in the weights
    return {name: to_json(value) for name, value in parameters.items() if name not in _LOCAL}


def _is_in_memory(description: dict | str) -> bool:
    return isinstance(description, dict) and description.get("weights") == IN_MEMORY


def _is_bare(description: dict) -> bool:
    """Whether a class of another package was not registered yet when it was described."""
    return "." in description["class"] and "parameters" not in description


def _fits_json(value) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_fits_json, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _without_location(description: dict) -> dict:
    """What of a description does not depend on where the weights lie."""
    places = ("weights", "model", "pretrained", "random_state")
    parameters = _in_terms_of_today(description.get("parameters", {}))
    return {
        "class": description["class"],
        "weights": description.get("identity"),
        **{name: value for name, value in parameters.items() if name not in places},
    }


def _in_terms_of_today(parameters: dict) -> dict:
    """Described parameters in the terms of this version.

    The output "embedding" was called "clip" at first, and there was one precision.
    """
    parameters = {name: v for name, v in parameters.items() if (name, v) != _FORMER_PRECISION}
    if parameters.get("output") != "clip":
        return parameters
    return {**parameters, "output": "embedding"}
