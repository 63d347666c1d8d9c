"""A frozen encoder of words: texts in, vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from ...weights import WeightsReference
from .._network_cache import keep_network
from ._word_pieces import WordPieces
from ._words_state import PREFIX, Words, read_words


class FrozenWords:
    """Embed texts with fixed weights, the same text always in the same way.

    The vectors of the pieces of a text are added and scaled to unit length, as in static
    embeddings distilled from a sentence encoder. How near this sum is to each anchor, the name of
    a sound, is projected into the space that these words share with sounds.

    Parameters
    ----------
    words : Words
    """

    device_type = "cpu"

    def __init__(self, words: Words):
        self._word_pieces = WordPieces(words.vocabulary)
        # All in double precision: a sum must not depend on what it is computed with, and matrix
        # products in single precision differ in the last bit with the number of rows.
        self._pieces = words.pieces
        self._scales = words.scales.astype(np.float64)
        self._anchors = words.anchors.astype(np.float64).T
        self._projection = words.projection.astype(np.float64)
        self._sharpness = words.sharpness
        self.widths = {"embedding": self._projection.shape[1], "semantic": len(self._anchors)}

    def exact(self) -> AbstractContextManager:
        """Nothing here trades precision for speed."""
        return nullcontext()

    def knows(self, text: str) -> bool:
        """Whether there is anything in a text that it can read."""
        return bool(self._word_pieces(text))

    def encode_texts(self, texts: Sequence[str], output: str = "embedding") -> np.ndarray:
        """Embed texts that are known (n, width), float32, of unit length.

        Parameters
        ----------
        texts : sequence of str
        output : {"embedding", "semantic"}
            Vectors in the space of sounds; or those of the words alone, as the sentence encoder
            taught them.
        """
        semantic = np.stack([self._add_up(self._word_pieces(text)) for text in texts])
        semantic = _to_unit_length(semantic)
        if output == "semantic":
            return semantic.astype(np.float32)
        nearness = np.exp((semantic @ self._anchors - 1) * self._sharpness)
        return _to_unit_length(nearness @ self._projection).astype(np.float32)

    def _add_up(self, numbers: list[int]) -> np.ndarray:
        # The order in which words stand does not count: sorted, it does not show in the last bit.
        numbers = sorted(numbers)
        return self._scales[numbers] @ self._pieces[numbers]


def _to_unit_length(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def get_frozen_words(reference: WeightsReference) -> FrozenWords:
    """Build the encoder that ``reference`` names, or take it from those built before.

    Raises
    ------
    WeightsError
        If the weights hold no encoder of words.
    """
    return keep_network(("words", reference), lambda: FrozenWords(read_state(reference)))


def read_state(reference: WeightsReference) -> Words:
    """Read what the encoder computes with.

    Raises
    ------
    WeightsError
        If the weights hold no encoder of words.
    """
    return read_words(reference.read_arrays((PREFIX,)), reference.label)
