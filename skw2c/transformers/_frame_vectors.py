"""Vectors of frames, and when in a clip they are heard, of whatever encoder makes them."""

from __future__ import annotations

import numpy as np

from ..validation._tables import stack_frames
from ._encoder_registry import thaw
from ._sound_transformer import SoundTransformer


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
    encoder = thaw(encoder)
    if isinstance(encoder, SoundTransformer) and encoder.mode == "frame":
        return encoder.embed_with_durations(X)
    steps = [step for _, step in getattr(encoder, "steps", [])]
    if steps and isinstance(steps[0], SoundTransformer) and steps[0].mode == "frame":
        # What follows in the pipeline takes what the first step gives.
        frames, durations = steps[0].embed_with_durations(X)
        return encoder[1:].transform(stack_frames(frames)), durations
    vectors = encoder.transform(X)
    return vectors, np.full(len(vectors), np.inf)
