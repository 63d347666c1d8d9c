"""Texts as vectors in a space of sounds: a table of word pieces, and how near they are to names."""

from ._frozen_words import FrozenWords, get_frozen_words
from ._word_pieces import WordPieces, has_unread_letters
from ._words_state import Words, read_words, write_words

__all__ = [
    "FrozenWords",
    "WordPieces",
    "Words",
    "get_frozen_words",
    "has_unread_letters",
    "read_words",
    "write_words",
]
