"""The words of captions as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from ..models import END, START, UNKNOWN

_MARKS = ("<pad>", "<sos>", "<eos>", "<unk>")


def learn_vocabulary(captions: Iterable[list[str]], min_count: int) -> dict[str, int]:
    """Number the words of captions: the frequent ones first, then in alphabetical order.

    Parameters
    ----------
    captions : iterable of list of str
        Words of each.
    min_count : int
        Words that occur less often are unknown.

    Raises
    ------
    ValueError
        If no word occurs as often.
    """
    counts = Counter(word for caption in captions for word in caption)
    frequent = [word for word in sorted(counts) if counts[word] >= min_count]
    if not frequent:
        raise ValueError(
            f"min_count={min_count} leaves no words: the most frequent one, "
            f"{max(counts, key=counts.__getitem__)!r}, occurs {max(counts.values())} times"
        )
    frequent.sort(key=counts.__getitem__, reverse=True)
    return {word: number for number, word in enumerate([*_MARKS, *frequent])}


def encode_caption(words: list[str], vocabulary: dict[str, int], max_length: int) -> np.ndarray:
    """Numbers of a caption's words, from its start to its end; one that is cut off has no end."""
    numbers = [START, *(vocabulary.get(word, UNKNOWN) for word in words[:max_length])]
    return np.array(numbers if len(words) > max_length else [*numbers, END])


def decode_caption(numbers: list[int], names: list[str]) -> str:
    """The caption of some numbers, given the words in the order of theirs."""
    return " ".join(names[number] for number in numbers)
