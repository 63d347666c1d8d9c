"""Texts as vectors in a space of sounds: a table of word pieces, and how near they are to names."""

from ...system._lazy_names import import_lazily

_HOMES = {
    "FrozenWords": "_frozen_words",
    "WordPieces": "_word_pieces",
    "Words": "_words_state",
    "describe_word_pieces": "_word_pieces",
    "get_frozen_words": "_frozen_words",
    "has_unread_letters": "_word_pieces",
    "model_words": "_words_model",
    "read_state": "_frozen_words",
    "read_words": "_words_state",
    "write_words": "_words_state",
}

__all__ = [*_HOMES]

__getattr__ = import_lazily(__name__, _HOMES)
