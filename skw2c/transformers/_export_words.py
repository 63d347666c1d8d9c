"""The encoder of words of mini as an ONNX model, with the rules by which texts are cut."""

from __future__ import annotations

import json
import os

from ..models.words import describe_word_pieces, model_words, read_state
from ..system._atomic import write_atomically
from ._encoder_registry import find_partner, registration_of
from ._export_facts import describe_origin


def write_words_model(encoder, path: str | os.PathLike) -> None:
    """Write a fitted encoder of words as an ONNX model.

    Parameters
    ----------
    encoder : MiniTextEncoder
    path : str or os.PathLike
        Where to.
    """
    words = read_state(encoder.weights_)
    pieces = json.dumps(describe_word_pieces(words.vocabulary), ensure_ascii=False)
    metadata = {**describe_words(encoder), "word_pieces": pieces}
    write_atomically(path, model_words(words, metadata))


def describe_words(encoder) -> dict[str, str]:
    """What whoever runs the model has to know of it, beside its word pieces."""
    entry = registration_of(encoder)
    sounds = entry and find_partner(entry, "audio")
    facts = {
        **describe_origin(encoder),
        "output": encoder._output(),
        "normalize": "true",
        "sounds": sounds and sounds.name,
        "sounds_weights": encoder.weights_.fingerprint,  # one file holds both
    }
    return {name: value for name, value in facts.items() if value is not None}
