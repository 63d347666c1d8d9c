"""Categories that the points of a map are coloured by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ._folders import count_shared, split_folder

OTHER = "other"
_MOST = 20  # categories that can be told apart by their colours
_AT_ONCE = 1 << 15


@dataclass(frozen=True)
class Colouring:
    """Categories of clips.

    Attributes
    ----------
    title : str
        What the categories are.
    categories : list of str
        Their names.
    numbers : ndarray of shape (n_clips,), int16
        The category of each clip; -1 for none.
    """

    title: str
    categories: list[str]
    numbers: np.ndarray


def colour_by_folder(items: Sequence) -> Colouring:
    """Categories by the folders of clips: those of the deepest level that has at most 20.

    Where even the first level below the common folder has more, the rest is ``"other"``.

    Parameters
    ----------
    items : sequence
        Names of the clips. What is not a path has no folder.
    """
    folders = [split_folder(item) for item in items]
    names = _name_folders(set(folders) - {()})
    return _gather("folder", [names.get(folder) for folder in folders])


def colour_by_labels(
    items: Sequence, labels: Mapping[object, str], classes: Sequence[str] = ()
) -> Colouring:
    """Categories by labels that were given to clips.

    Parameters
    ----------
    items : sequence
        Names of the clips.
    labels : mapping
        The label of each name that has one.
    classes : sequence of str, default=()
        Labels that come first, in this order, whether or not they were given.
    """
    return _gather("label", [labels.get(item) for item in items], first=classes)


def colour_by_predictions(predicted: Sequence[str]) -> Colouring:
    """Categories by the labels that a classifier gives clips."""
    return _gather("predicted label", list(predicted))


def colour_by_words(
    vectors: np.ndarray, words: Sequence[str], word_vectors: np.ndarray
) -> Colouring:
    """Categories by the nearest of several words.

    Parameters
    ----------
    vectors : ndarray of shape (n_clips, width), float32
        One unit vector for each clip.
    words : sequence of str
    word_vectors : ndarray of shape (n_words, width), float32
        Unit vectors, from an encoder of texts that shares the space of the clips.
    """
    numbers = np.full(len(vectors), -1, np.int16)
    for start in range(0, len(vectors) if len(words) else 0, _AT_ONCE):
        cosines = vectors[start : start + _AT_ONCE] @ word_vectors.T
        numbers[start : start + _AT_ONCE] = cosines.argmax(axis=1)
    return Colouring("words", list(words), numbers)


def gather_values(title: str, values: Sequence[str | None]) -> Colouring:
    """Categories by values: the 20 most frequent at most, the rest is ``"other"``.

    Parameters
    ----------
    title : str
    values : sequence of str or None
        Of each clip; None for none.
    """
    return _gather(title, values)


def _gather(title: str, values: Sequence[str | None], first: Sequence[str] = ()) -> Colouring:
    counts = Counter(value for value in values if value is not None)
    names = [*first, *_in_order(set(counts) - set(first))]
    if len(names) > _MOST:
        kept = {value for value, _ in counts.most_common(_MOST - 1)} - {OTHER}
        names = [*(name for name in names if name in kept), OTHER]
    number_of = {name: number for number, name in enumerate(names)}
    rest = number_of.get(OTHER, -1)
    numbers = [-1 if value is None else number_of.get(value, rest) for value in values]
    return Colouring(title, names, np.array(numbers, np.int16))


def _in_order(names: set[str]) -> list[str]:
    """Sorted as numbers where all of them are numbers, else as text whose digits are numbers."""
    try:
        return sorted(names, key=lambda name: (float(name), name))
    except ValueError:
        return sorted(names, key=lambda name: re.sub("[0-9]+", _pad, name))


def _pad(digits: re.Match) -> str:
    return digits[0].zfill(12)


def _name_folders(folders: set[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Names of folders, each cut off at the level of the categories."""
    if not folders:
        return {}
    shared = count_shared(folders)
    level, deepest = shared + 1, max(map(len, folders))
    while level < deepest and len({folder[: level + 1] for folder in folders}) <= _MOST:
        level += 1
    # Clips that lie in the common folder itself are named by it; the slash tells it from others.
    common = "".join(next(iter(folders))[:shared][-1:]) + "/" * (len(folders) > 1)
    return {folder: "/".join(folder[shared:level]) or common or "/" for folder in folders}
