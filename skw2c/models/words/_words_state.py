"""The tensors of an encoder of words, read strictly from a checkpoint and written into one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...exceptions import WeightsError
from ...system._tensors import is_tensor, tensor_to_array

if TYPE_CHECKING:
    from torch import Tensor

PREFIX = "words."
_DIMENSIONS = {"pieces": 2, "scales": 1, "anchors": 2, "projection": 2, "vocabulary": 1}


@dataclass(frozen=True)
class Words:
    """What `FrozenWords` computes with.

    Attributes
    ----------
    vocabulary : list of str
        The pieces of words.
    pieces : ndarray of shape (n_pieces, n_semantic), int8
        Their vectors, as whole numbers.
    scales : ndarray of shape (n_pieces,), float32
        What these are multiplied by.
    anchors : ndarray of shape (n_anchors, n_semantic), float32
        Vectors of unit length, to which texts are compared.
    projection : ndarray of shape (n_anchors, width), float32
        From how near a text is to each anchor to its vector.
    sharpness : float
        By how much nearness falls with the cosine.
    """

    vocabulary: list[str]
    pieces: np.ndarray
    scales: np.ndarray
    anchors: np.ndarray
    projection: np.ndarray
    sharpness: float


def write_words(words: Words) -> dict[str, Tensor]:
    """Entries for a checkpoint, in half precision."""
    import torch

    text = np.frombuffer("\n".join(words.vocabulary).encode(), np.uint8).copy()
    entries = {
        "vocabulary": torch.from_numpy(text),
        "pieces": torch.from_numpy(words.pieces),
        "sharpness": torch.tensor(words.sharpness, dtype=torch.float32),
    }
    for name in ("scales", "anchors", "projection"):
        entries[name] = torch.from_numpy(getattr(words, name)).half()
    return {PREFIX + name: value for name, value in entries.items()}


def read_words(state: Mapping[str, Any], source: str) -> Words:
    """Read what `write_words` gave, as tensors or as arrays; other entries are passed over.

    Raises
    ------
    WeightsError
        If entries are missing, do not fit each other, or are not finite.
    """
    own = {n.removeprefix(PREFIX): x for n, x in state.items() if n.startswith(PREFIX)}
    own = {name: tensor_to_array(x) if is_tensor(x) else x for name, x in own.items()}
    for name, n_dimensions in {**_DIMENSIONS, "sharpness": 0}.items():
        if name not in own or own[name].ndim != n_dimensions:
            raise WeightsError(
                f"{source} holds no encoder of words: it lacks {PREFIX + name!r} with "
                f"{n_dimensions} dimensions. weights='mini' has one"
            )
    numbers = {name: own[name].astype(np.float32) for name in ("scales", "anchors", "projection")}
    try:
        vocabulary = own["vocabulary"].astype(np.uint8).tobytes().decode().split("\n")
    except UnicodeDecodeError as exc:
        raise WeightsError(f"{source} has a damaged vocabulary ({exc.reason})") from exc
    words = Words(vocabulary, own["pieces"], sharpness=float(own["sharpness"]), **numbers)
    _check(words, source)
    return words


def _check(words: Words, source: str) -> None:
    (n_pieces, n_semantic), (n_anchors, _) = words.pieces.shape, words.projection.shape
    fitting = (
        words.pieces.dtype == np.int8
        and len(words.vocabulary) == n_pieces == len(words.scales)
        and words.anchors.shape == (n_anchors, n_semantic)
    )
    numbers = (words.scales, words.anchors, words.projection, np.array(words.sharpness))
    if not fitting or not all(np.isfinite(values).all() for values in numbers):
        raise WeightsError(
            f"{source} does not fit an encoder of words: {len(words.vocabulary)} names of pieces, "
            f"pieces of shape {words.pieces.shape} and type {words.pieces.dtype}, "
            f"{len(words.scales)} scales, anchors of shape {words.anchors.shape}, a projection of "
            f"shape {words.projection.shape}; all numbers must be finite"
        )
