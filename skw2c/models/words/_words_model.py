"""The encoder of words as an ONNX model, from numbers of word pieces to vectors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...engines import code_of, make_model, make_node
from ._words_state import Words

INPUT, OUTPUT = "pieces", "vectors"
PADDING = -1
"""Stands in the places of a text that has fewer pieces than the longest."""


def model_words(words: Words, metadata: Mapping[str, str]) -> bytes:
    """Make the model, which computes what `FrozenWords.encode_texts` does.

    Its input is ``pieces`` (texts, places), int64, and its output ``vectors`` (texts, width),
    float32, of unit length; NaN for a text without pieces.

    Parameters
    ----------
    words : Words
    metadata : mapping of str to str
        What the model says of itself.
    """
    return _WordsGraph(words).finish(metadata)


class _WordsGraph:
    """Operations and their constants; in double precision, as in `FrozenWords`."""

    def __init__(self, words: Words):
        self._width = words.projection.shape[1]
        self._nodes: list[bytes] = []
        self._constants = {
            "table": words.pieces,
            "scales": words.scales,
            "anchors": np.ascontiguousarray(words.anchors.T),
            "projection": words.projection,
            "sharpness": np.array(words.sharpness, np.float64),
            "one": np.array(1, np.float64),
            "shortest": np.array(1e-12, np.float64),
            "unknown": np.array(np.nan, np.float32),
            "padding": np.array(PADDING, np.int64),
            "first": np.array(0, np.int64),
            "second_axis": np.array([1], np.int64),
            "third_axis": np.array([2], np.int64),
        }

    def finish(self, metadata: Mapping[str, str]) -> bytes:
        """Make the model."""
        is_piece = self._add("Greater", INPUT, "padding")
        semantic = self._scale_to_unit_length(self._add_up(is_piece))
        cosines = self._add("MatMul", semantic, self._to_double("anchors"))
        far = self._add("Mul", self._add("Sub", cosines, "one"), "sharpness")
        vectors = self._add("MatMul", self._add("Exp", far), self._to_double("projection"))
        vectors = self._cast(self._scale_to_unit_length(vectors), "float32")
        self._add("Where", self._has_pieces(is_piece), vectors, "unknown", output=OUTPUT)
        return make_model(
            self._nodes,
            self._constants,
            (INPUT, "int64", ["texts", "places"]),
            (OUTPUT, "float32", ["texts", self._width]),
            metadata,
        )

    def _add_up(self, is_piece: str) -> str:
        """The sum of the vectors of the pieces of each text."""
        numbers = self._add("Max", INPUT, "first")
        scales = self._to_double(self._add("Gather", "scales", numbers))
        scales = self._add("Mul", scales, self._to_double(is_piece))
        scales = self._add("Unsqueeze", scales, "third_axis")
        vectors = self._to_double(self._add("Gather", "table", numbers))
        scaled = self._add("Mul", vectors, scales)
        return self._add("ReduceSum", scaled, "second_axis", keepdims=0)

    def _has_pieces(self, is_piece: str) -> str:
        count = self._add("ReduceSum", self._cast(is_piece, "int64"), "second_axis", keepdims=1)
        return self._add("Greater", count, "first")

    def _scale_to_unit_length(self, vectors: str) -> str:
        squares = self._add("Mul", vectors, vectors)
        length = self._add("Sqrt", self._add("ReduceSum", squares, "second_axis", keepdims=1))
        return self._add("Div", vectors, self._add("Max", length, "shortest"))

    def _to_double(self, x: str) -> str:
        return self._cast(x, "float64")

    def _cast(self, x: str, dtype: str) -> str:
        return self._add("Cast", x, to=code_of(dtype))

    def _add(self, operation: str, *inputs: str, output: str | None = None, **attributes) -> str:
        """Add an operation; return the name of its result."""
        output = f"{len(self._nodes)}" if output is None else output
        self._nodes.append(make_node(operation, inputs, output, **attributes))
        return output
