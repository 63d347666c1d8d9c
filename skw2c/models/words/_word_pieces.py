"""Texts as numbers of word pieces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_WORD = re.compile(r"[a-z0-9]+")
_WITHIN = "##"
_FORM: Final = "NFKD"
_LEFT_OUT = ("Mn", "Cf")
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
            mark = _WITHIN if start else ""
            while end > start and mark + word[start:end] not in self._numbers:
                end -= 1
            if end == start:
                return []
            numbers.append(self._numbers[mark + word[start:end]])
            start = end
        return numbers


def describe_word_pieces(vocabulary: Sequence[str]) -> dict[str, object]:
    """The rules of `WordPieces` and its pieces, for those who follow them in another language.

    Returns
    -------
    dict
        In the order in which the rules apply: ``case``, to which texts are brought; ``form``, that
        of Unicode, in which they are taken apart; ``left_out``, Unicode's categories of characters
        that are dropped; ``word``, a regular expression of what is cut; ``within``, what pieces
        begin with that go on within a word; ``vocabulary``, the pieces, whose places are their
        numbers.
    """
    return {
        "case": "lower",
        "form": _FORM,
        "left_out": list(_LEFT_OUT),
        "word": _WORD.pattern,
        "within": _WITHIN,
        "vocabulary": list(vocabulary),
    }


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
    parts = unicodedata.normalize(_FORM, text)
    return "".join(c for c in parts if unicodedata.category(c) not in _LEFT_OUT)
