"""Captions that are learned from: the door by which they come in, and their words as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from ..exceptions import TextError
from ..metrics import tokenize_caption
from ..models import END, START, UNKNOWN
from ..validation._texts import check_text

_MARKS = ("<pad>", "<sos>", "<eos>", "<unk>")


def list_captions(captions) -> list[list[str]]:
    """List the captions of each clip.

    Parameters
    ----------
    captions : list, tuple, Series or array of shape (n_clips,)
        A string, or a list of strings, for each clip.

    Raises
    ------
    TextError
        If a caption is no string, or has no words; the message names its row.
    TypeError, ValueError
        If this is no collection, or a clip has an empty list.
    """
    if captions is None or isinstance(captions, (str, bytes)) or not np.iterable(captions):
        raise TypeError(
            f"captions is {captions!r}, and a list is expected, with a string or a list of "
            "strings for each clip"
        )
    return [_list_row(row, own) for row, own in enumerate(captions)]


def _list_row(row: int, own) -> list[str]:
    own = [own] if isinstance(own, str) or not np.iterable(own) else list(own)
    if not own:
        raise ValueError(f"Row {row} has no caption: give it one, or leave out its clip")
    for caption in own:
        try:
            check_text(caption)
        except TextError as exc:
            raise TextError(f"The caption of row {row}: {exc}") from exc
        if not tokenize_caption(caption):
            raise TextError(f"The caption of row {row} is {caption!r}, which has no words")
    return own


def learn_vocabulary(captions: Iterable[list[str]], min_count: int) -> dict[str, int]:
    """Number the words of captions: the frequent ones first, then by the alphabet.

    Parameters
    ----------
    captions : iterable of list of str
        Words of each.
    min_count : int
        Words that come less often are unknown.

    Raises
    ------
    ValueError
        If no word comes as often.
    """
    counts = Counter(word for caption in captions for word in caption)
    frequent = [word for word in sorted(counts) if counts[word] >= min_count]
    if not frequent:
        raise ValueError(
            f"min_count={min_count} leaves no word: the most frequent one, "
            f"{max(counts, key=counts.get)!r}, comes {max(counts.values())} times"
        )
    frequent.sort(key=counts.get, reverse=True)
    return {word: number for number, word in enumerate([*_MARKS, *frequent])}


def encode_caption(words: list[str], vocabulary: dict[str, int], max_length: int) -> np.ndarray:
    """Numbers of a caption's words, from its start to its end; a longer one has no end."""
    numbers = [START, *(vocabulary.get(word, UNKNOWN) for word in words[:max_length])]
    return np.array(numbers if len(words) > max_length else [*numbers, END])


def decode_caption(numbers: list[int], names: list[str]) -> str:
    """The caption of some numbers, given the words in the order of theirs."""
    return " ".join(names[number] for number in numbers)
