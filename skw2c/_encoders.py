"""Encoders by name, as parameters, and in words: how each becomes one that works."""

from __future__ import annotations

import os
from dataclasses import asdict

from sklearn.base import clone

from ._clip_image_encoder import CLIPImageEncoder
from ._clip_text_encoder import CLIPTextEncoder
from ._wav2clip_transformer import Wav2CLIPTransformer
from .weights import CLIPReference, WeightsReference

_NAMED = {
    "audio": {"wav2clip": Wav2CLIPTransformer},
    "text": {"clip": CLIPTextEncoder},
    "image": {"clip": CLIPImageEncoder},
}
_REFERENCES = {
    Wav2CLIPTransformer: WeightsReference,
    CLIPTextEncoder: CLIPReference,
    CLIPImageEncoder: CLIPReference,
}
# How an encoder works on this machine, which says nothing of its vectors.
_LOCAL = {"device", "n_jobs", "memory", "verbose", "batch_size", "on_error"}
_JSON = (str, int, float, bool, type(None))


def resolve_encoder(encoder, kind: str, **parameters):
    """Make the unfitted encoder that a parameter means.

    Parameters
    ----------
    encoder : str or transformer
        A name, or a transformer, which is cloned.
    kind : {"audio", "text", "image"}
        What it embeds.
    **parameters
        Parameters of encoders that are given by name, where they have them. ``mode`` is
        also set on transformers that have it.
    """
    if isinstance(encoder, str):
        return _construct(_NAMED[kind][encoder], parameters)
    encoder = clone(encoder)
    if "mode" in parameters and "mode" in encoder.get_params(deep=False):
        encoder.set_params(mode=parameters["mode"])
    return encoder


def describe_encoder(encoder) -> dict | str:
    """Describe an encoder in what JSON can hold; its weights too, where it is fitted.

    What is of another package is named by its class, from which it cannot be made again.
    """
    if isinstance(encoder, str):
        return encoder
    kind = type(encoder)
    if kind not in _REFERENCES:
        return {"class": f"{kind.__module__}.{kind.__qualname__}"}
    parameters = {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value
        for name, value in encoder.get_params(deep=False).items()
        if name not in _LOCAL
    }
    description = {
        "class": kind.__name__,
        "parameters": {k: v for k, v in parameters.items() if isinstance(v, _JSON)},
    }
    if hasattr(encoder, "weights_"):
        description["weights"] = asdict(encoder.weights_)
        description["identity"] = encoder.weights_.identity
    return description


def restore_encoder(description: dict | str, *, fitted: bool = True, **parameters):
    """Make the encoder that was described; None if it is not one of ours.

    Parameters
    ----------
    description : dict or str
        What `describe_encoder` gave.
    fitted : bool, default=True
        Whether to give it the weights that it had.
    **parameters
        Parameters such as ``device`` that the description leaves open.
    """
    if isinstance(description, str):
        return description
    for kind, reference in _REFERENCES.items():
        if kind.__name__ == description["class"]:
            encoder = _construct(kind, {**parameters, **description["parameters"]})
            weights = description.get("weights")
            return encoder._adopt(reference(**weights)) if fitted and weights else encoder
    return None


def differences(one: dict | str, other: dict | str) -> list[str]:
    """What makes two described encoders give the same clip other vectors.

    Of encoders of other packages no more than the class is compared.
    """
    if isinstance(one, str) or isinstance(other, str):
        return [] if one == other else ["encoder"]
    ours, theirs = map(_without_location, (one, other))
    return [name for name in ours | theirs if ours.get(name) != theirs.get(name)]


def _without_location(description: dict) -> dict:
    """What of a description does not depend on where the weights lie."""
    places = ("weights", "model", "pretrained", "random_state")
    parameters = description.get("parameters", {})
    return {
        "class": description["class"],
        "weights": description.get("identity"),
        **{name: value for name, value in parameters.items() if name not in places},
    }


def _construct(kind: type, parameters: dict):
    known = kind._parameter_constraints
    return kind(**{name: value for name, value in parameters.items() if name in known})
