"""Every encoder of sound that can be had without weights, and sounds for it."""

import math

import numpy as np

from skw2c.transformers._encoder_registry import find_encoder, names_of_encoders


def list_encoders(chosen=None):
    """Registered classes whose networks can be drawn at random, all or those that are named."""
    kinds = {type(find_encoder(name, "audio").make()) for name in names_of_encoders("audio")}
    drawn = [kind for kind in kinds if None in kind._parameter_constraints.get("weights", [])]
    return [
        kind
        for kind in sorted(drawn, key=lambda kind: kind.__name__)
        if chosen is None or short_name(kind) in chosen
    ]


def make_encoder(kind, device):
    """A fitted encoder with random weights."""
    return kind(weights=None, random_state=0, device=device).fit()


def make_clips(n_clips, seconds, rate):
    """Tones in noise: a list of arrays of float32."""
    rng = np.random.default_rng(0)
    times = np.arange(round(seconds * rate)) / rate
    pitches = 200 * 2 ** (5 * rng.random(n_clips))
    tones = np.sin(2 * math.pi * pitches[:, None] * times)
    return list((0.3 * tones + 0.05 * rng.standard_normal(tones.shape)).astype(np.float32))


def short_name(kind):
    """What an encoder is called in tables."""
    return kind.__name__.removesuffix("Transformer")
