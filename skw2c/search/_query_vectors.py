"""Queries as unit vectors."""

from __future__ import annotations

from copy import copy

import numpy as np

from ..transformers._encoders import takes_vectors
from ..transformers._frame_vectors import embed_as_array
from ..transformers._labels import (
    check_prompts,
    embed_texts,
    is_table,
    look_up_labels,
    refuse_prompts,
)
from ..transformers._rows import to_unit_length


def embed_words(queries: list, text_encoder, prompts, resolve) -> np.ndarray:
    """Vectors of texts, from a table or from the encoder that ``resolve`` makes."""
    templates = check_prompts(prompts)
    if is_table(require_encoder(text_encoder, "text")):
        refuse_prompts(prompts)
        # Each word once, since queries may hold two names of one vector.
        return np.concatenate([look_up_labels([query], text_encoder) for query in queries])
    return embed_texts(queries, templates, resolve(text_encoder).fit(templates, None))


def embed_sounds(queries: list, encoder) -> np.ndarray:
    """Vectors of clips, each as a whole."""
    if takes_vectors(encoder):
        raise ValueError(
            "The index was made of vectors (encoder='passthrough') and cannot embed sound: "
            "embed the query as the vectors were, and search by='vector'"
        )
    return embed_as_array(_for_whole_clips(encoder), queries)


def require_encoder(encoder, kind: str):
    """Refuse a query of a kind for which the index has no encoder."""
    if encoder is None:
        raise ValueError(
            f"the index does not have an encoder for the query: {kind}_encoder is None. An index "
            "that was "
            f"loaded takes one by AudioIndex.load(folder, {kind}_encoder=...)"
        )
    return encoder


def to_unit_queries(vectors: np.ndarray) -> np.ndarray:
    """Unit vectors of queries, float32; those without a direction are refused."""
    for row, vector in enumerate(vectors):
        if not np.isfinite(vector).all() or not vector.any():
            what = "zero" if np.isfinite(vector).all() else "NaN or infinite"
            raise ValueError(
                f"the vector of query {row} is {what}, and so does not have a direction"
            )
    return np.ascontiguousarray(to_unit_length(vectors), dtype=np.float32)


def _for_whole_clips(encoder):
    """The encoder as it embeds a query: as a whole, and never as NaN."""
    wanted = {"mode": "clip", "on_error": "raise"}
    own = encoder.get_params(deep=False)
    changes = {name: value for name, value in wanted.items() if own.get(name, value) != value}
    return copy(encoder).set_params(**changes) if changes else encoder
