"""Vectors as arrays, and when in a clip frames are heard, of whatever encoder makes them."""

from __future__ import annotations

import copy

import numpy as np
from sklearn import config_context
from sklearn.frozen import FrozenEstimator

from ..validation._tables import stack_frames
from ._encoder_registry import thaw
from ._sound_transformer import SoundTransformer

_CONTAINER = "_sklearn_output_config"
"""Where scikit-learn notes what `set_output` was told."""


def frame_times_of(encoder, n_frames: int, duration: float | None = None):
    """Start and end of windows in seconds, as the encoder in a pipeline or wrapper says.

    Parameters
    ----------
    encoder : transformer
    n_frames : int
    duration : float or None
        How long the clip is, in seconds, for the encoders that ask for it.

    Raises
    ------
    ValueError
        If nothing in it knows.
    """
    parts = [encoder]
    while parts:
        part = parts.pop(0)
        if isinstance(part, SoundTransformer):
            return part.frame_times(n_frames, duration)
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
    encoder = without_container(thaw(encoder))
    if isinstance(encoder, SoundTransformer) and encoder.mode == "frame":
        return encoder.embed_with_durations(X)
    steps = [step for _, step in getattr(encoder, "steps", [])]
    if steps and isinstance(steps[0], SoundTransformer) and steps[0].mode == "frame":
        # What follows in the pipeline takes what the first step gives.
        frames, durations = steps[0].embed_with_durations(X)
        return embed_as_array(encoder[1:], stack_frames(frames)), durations
    vectors = embed_as_array(encoder, X)
    return vectors, np.full(len(vectors), np.inf)


def embed_as_array(encoder, X):
    """What an encoder gives, whatever container its user or scikit-learn is set to.

    Parameters
    ----------
    encoder : transformer
        Fitted; it stays as it is.
    X : collection of clips, or what else it takes

    Returns
    -------
    array, sparse matrix, or list of arrays
    """
    with config_context(transform_output="default"):
        vectors = without_container(encoder).transform(X)
    return vectors.to_numpy() if hasattr(vectors, "columns") else vectors


def fit_for_arrays(encoder, X):
    """Fit an encoder of one's own, to give arrays whatever container its user chose.

    Parameters
    ----------
    encoder : transformer
        A clone of that of the user.
    X : collection of clips, or what else it takes

    Returns
    -------
    transformer
        The fitted encoder.
    """
    encoder = without_container(encoder)
    with config_context(transform_output="default"):
        encoder.fit(X, None)
    return encoder


def without_container(encoder):
    """The encoder, or a copy of it where its user chose a container such as "pandas".

    A copy shares all else with the encoder, so that networks are not loaded again.
    """
    if isinstance(encoder, FrozenEstimator):
        inner = without_container(encoder.estimator)
        return encoder if inner is encoder.estimator else FrozenEstimator(inner)
    changes: dict = {}
    if getattr(encoder, _CONTAINER, None):
        changes[_CONTAINER] = {}
    steps = encoder.steps if hasattr(encoder, "named_steps") else []
    plain = [(name, without_container(step)) for name, step in steps]
    if any(own is not step for (_, own), (_, step) in zip(plain, steps, strict=True)):
        changes["steps"] = plain
    if not changes:
        return encoder
    twin = copy.copy(encoder)
    vars(twin).update(changes)
    return twin
