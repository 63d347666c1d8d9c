"""Encoders by name, as parameters, and in words: how each becomes one that works."""

from __future__ import annotations

import os
from dataclasses import fields

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from ..validation._tables import stack_frames
from ..weights import CLIPReference, WeightsReference
from ._audioclip_transformer import AudioCLIPTransformer
from ._clip_image_encoder import CLIPImageEncoder
from ._clip_text_encoder import CLIPTextEncoder
from ._openl3_transformer import OpenL3Transformer
from ._sound_transformer import SoundTransformer
from ._wav2clip_transformer import Wav2CLIPTransformer
from ._yamnet_transformer import YAMNetTransformer

_AUDIOCLIP = dict(model="RN50-quickgelu", pretrained="audioclip-full")
_NAMED = {
    "audio": {"wav2clip": (Wav2CLIPTransformer, {}), "audioclip": (AudioCLIPTransformer, {})},
    "text": {"clip": (CLIPTextEncoder, {}), "audioclip": (CLIPTextEncoder, _AUDIOCLIP)},
    "image": {"clip": (CLIPImageEncoder, {}), "audioclip": (CLIPImageEncoder, _AUDIOCLIP)},
}
_REFERENCES = {
    AudioCLIPTransformer: WeightsReference,
    OpenL3Transformer: WeightsReference,
    Wav2CLIPTransformer: WeightsReference,
    YAMNetTransformer: WeightsReference,
    CLIPTextEncoder: CLIPReference,
    CLIPImageEncoder: CLIPReference,
}
_IN_MEMORY = {"held": True}
# How an encoder works on this machine, which says nothing of its vectors.
_LOCAL = {"device", "n_jobs", "memory", "verbose", "batch_size", "on_error"}


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
        also set on transformers that have it, and ``tail`` if the mode is "frame".
    """
    if isinstance(encoder, str):
        if kind != "audio" and parameters.get("device") == "openvino":
            parameters["device"] = "cpu"  # OpenVINO runs the encoder of sound alone
        named, own = _NAMED[kind][encoder]
        return _construct(named, {**parameters, **own})
    encoder = clone(encoder)
    names = ("mode", "tail") if parameters.get("mode") == "frame" else ("mode",)
    known = encoder.get_params(deep=False)
    shared = {n: parameters[n] for n in names if n in parameters and n in known}
    return encoder.set_params(**shared) if shared else encoder


def describe_encoder(encoder) -> dict | str:
    """Describe an encoder in what JSON can hold; its weights too, where it is fitted.

    What is of another package is named by its class, from which it cannot be made again.
    """
    if isinstance(encoder, str):
        return encoder
    if isinstance(encoder, FrozenEstimator):
        return describe_encoder(encoder.estimator)
    kind = type(encoder)
    if kind not in _REFERENCES:
        return {"class": f"{kind.__module__}.{kind.__qualname__}"}
    parameters = encoder.get_params(deep=False)
    if not isinstance(parameters.get("random_state"), (int, type(None))):
        parameters["random_state"] = None  # the seed stands in the weights
    description = {
        "class": kind.__name__,
        "parameters": {
            name: to_json(value) for name, value in parameters.items() if name not in _LOCAL
        },
    }
    if hasattr(encoder, "weights_"):
        description["weights"] = _describe_weights(encoder.weights_)
        description["identity"] = encoder.weights_.fingerprint
    return description


def _describe_weights(reference: WeightsReference | CLIPReference) -> dict:
    """Where the weights lie; those that were trained lie nowhere."""
    known = {field.name: getattr(reference, field.name) for field in fields(reference)}
    return _IN_MEMORY if known.pop("in_memory", None) is not None else known


def to_json(value):
    """A parameter as JSON can hold it: paths as strings, numpy's numbers as Python's."""
    if isinstance(value, WeightsReference):
        return None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.item() if isinstance(value, np.generic) else value


def restore_encoder(description: dict | str, *, fitted: bool = True, **parameters):
    """Make the encoder that was described; None if that does not say enough.

    It does not for encoders of other packages, and for trained weights in memory.

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
        if kind.__name__ == description["class"] and description.get("weights") != _IN_MEMORY:
            described = description["parameters"]
            # What works on this machine alone is never taken from a file.
            described = {name: v for name, v in described.items() if name not in _LOCAL}
            described = _in_terms_of_today(described)
            encoder = _construct(kind, {**parameters, **described})
            weights = description.get("weights")
            if not weights:
                return encoder
            own = reference(**weights)
            if described.get("weights", "") is None and own.seed is None:
                encoder.set_params(weights=own)  # they were its parameter
            return encoder._adopt(own) if fitted else encoder
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
    parameters = _in_terms_of_today(description.get("parameters", {}))
    return {
        "class": description["class"],
        "weights": description.get("identity"),
        **{name: value for name, value in parameters.items() if name not in places},
    }


def _in_terms_of_today(parameters: dict) -> dict:
    """Described parameters, of which "embedding" was called "clip" at first."""
    return (
        {**parameters, "output": "embedding"} if parameters.get("output") == "clip" else parameters
    )


def frame_times_of(encoder, n_frames: int):
    """Start and end of windows in seconds, as the encoder in a pipeline or wrapper says.

    Raises
    ------
    ValueError
        If nothing in it knows.
    """
    parts = [encoder]
    while parts:
        part = parts.pop(0)
        if hasattr(part, "frame_times"):
            return part.frame_times(n_frames)
        parts += [step for _, step in getattr(part, "steps", [])]
    raise ValueError(
        f"{type(encoder).__name__} does not say when its frames are: it has no method "
        "frame_times(n_frames), which gives their start and end in seconds, (n_frames, 2)"
    )


def embed_frames(encoder, X):
    """Vectors of the frames of clips, and how long the clips are.

    Parameters
    ----------
    encoder : transformer
        Fitted.
    X : collection of clips

    Returns
    -------
    vectors : sequence of array of shape (n_frames, width)
    durations : ndarray of shape (n_clips,)
        In seconds; infinite where the encoder does not say.
    """
    while isinstance(encoder, FrozenEstimator):
        encoder = encoder.estimator
    if isinstance(encoder, SoundTransformer) and encoder.mode == "frame":
        return encoder.embed_with_durations(X)
    steps = [step for _, step in getattr(encoder, "steps", [])]
    if steps and isinstance(steps[0], SoundTransformer) and steps[0].mode == "frame":
        # What follows in the pipeline takes what the first step gives.
        frames, durations = steps[0].embed_with_durations(X)
        return encoder[1:].transform(stack_frames(frames)), durations
    vectors = encoder.transform(X)
    return vectors, np.full(len(vectors), np.inf)


def _construct(kind: type, parameters: dict):
    known = kind._parameter_constraints
    return kind(**{name: value for name, value in parameters.items() if name in known})
