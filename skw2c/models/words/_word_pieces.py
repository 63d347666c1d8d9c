"""Texts as numbers of word pieces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_WORD = re.compile(r"[a-z0-9]+")
_MOST_KEPT = 100_000
"""Words whose pieces are remembered."""


class WordPieces:
    """Cut texts into words and these into the longest known pieces, from the left.

    Case, accents and punctuation do not count. This is the tokenizer of BERT (Devlin et al.,
    arXiv 1810.04805) without marks for punctuation and for unknown words, which are left out.

    Parameters
    ----------
    vocabulary : sequence of str
        The pieces; those that go on within a word begin with ``##``.
    """

    def __init__(self, vocabulary: Sequence[str]):
        self._numbers = {piece: number for number, piece in enumerate(vocabulary)}
        self._pieces_of = lru_cache(_MOST_KEPT)(self._cut)

    def __call__(self, text: str) -> list[int]:
        """List the numbers of the pieces of a text; none where nothing in it is known."""
        return [n for word in _WORD.findall(_simplify(text)) for n in self._pieces_of(word)]

    def _cut(self, word: str) -> list[int]:
        numbers, start = [], 0
        while start < len(word):
            end = len(word)
            mark = "##" if start else ""
            while end > start and mark + word[start:end] not in self._numbers:
                end -= 1
            if end == start:
                return []
            numbers.append(self._numbers[mark + word[start:end]])
            start = end
        return numbers


def has_unread_letters(text: str) -> bool:
    """Whether a text has letters, digits or pictures that `WordPieces` passes over."""
    if text.isascii():
        return False
    kinds = (unicodedata.category(c) for c in _simplify(text) if not c.isascii())
    return any(kind[0] in "LN" or kind == "So" for kind in kinds)


def _simplify(text: str) -> str:
    text = text.lower()
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text)
    return "".join(c for c in parts if unicodedata.category(c) not in ("Mn", "Cf"))
