"""The map of an index: where its clips lie, and what colours them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path

import numpy as np

from ..maps._colours import Colouring, colour_by_folder, colour_by_words
from ..maps._coordinates import find_coordinates, mean_vectors
from ..maps._item_tables import colour_by_column, columns_of, read_item_table
from ..maps._sound_map import SoundMap
from ..validation._intervals import is_real
from ._content import IndexContent
from ._listing import read_list

_LONGEST = 60  # seconds


def draw_map(
    content: IndexContent,
    folder: str | None,
    embed_words,
    *,
    method: str,
    labels: Sequence[str] | None,
    table,
    clips: int,
    seconds: float,
    limit: float | None,
    verbose: bool | int,
) -> SoundMap:
    """Draw the map of an index.

    Parameters
    ----------
    content : IndexContent
    folder : str or None
        Where it is saved; there the coordinates are kept.
    embed_words : callable
        Gives the unit vectors of words.
    method, labels, table, clips, seconds, limit
        As in `AudioIndex.map`.
    verbose : bool or int
        Whether to show progress.
    """
    _check_numbers(clips, seconds, limit)
    vectors = _vectors_of_clips(content)
    colourings = [
        *_colour_by_labels(vectors, labels, embed_words),
        *_colour_by_table(content.items, table),
        colour_by_folder(content.items),
    ]
    saved_id = None if folder is None else _saved_id(folder, content)
    home = None if saved_id is None else folder
    return SoundMap(
        content.items,
        [None if source is None else source.path for source in content.sources],
        find_coordinates(vectors, method, folder=home, index_id=saved_id),
        colourings,
        title=os.path.basename(folder) if folder else "Map of sounds",
        clips=int(clips),
        seconds=float(seconds),
        limit=limit,
        verbose=verbose,
    )


def _check_numbers(clips, seconds, limit) -> None:
    if not isinstance(clips, Integral) or isinstance(clips, bool) or clips < 0:
        raise ValueError(f"clips={clips!r} must be a whole number of at least 0")
    if not is_real(seconds) or not 0 < seconds <= _LONGEST:
        raise ValueError(f"seconds={seconds!r} must be a number above 0, up to {_LONGEST}")
    if limit is not None and not (is_real(limit) and limit > 0):
        raise ValueError(f"limit={limit!r} must be a number of megabytes above 0, or None")


def _vectors_of_clips(content: IndexContent) -> np.ndarray:
    if not len(content):
        return np.zeros((0, 1), np.float32)
    return mean_vectors(content.vectors(), content.counts)


def _saved_id(folder: str, content: IndexContent) -> str | None:
    """The identity of what is saved in a folder, if it is this very content."""
    listed = read_list(Path(folder))
    if listed is None or listed["parts"] != [part.files for part in content.parts]:
        return None
    return listed["id"]


def _colour_by_labels(vectors: np.ndarray, labels, embed_words) -> list[Colouring]:
    if labels is None:
        return []
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise ValueError(f"labels={labels!r} must be a list of words, or None")
    words = list(dict.fromkeys(label.strip() for label in labels))
    if not words or not all(words):
        raise ValueError(f"labels={labels!r} has no words: name what the sounds may be")
    return [colour_by_words(vectors, words, embed_words(words))] if len(vectors) else []


def _colour_by_table(items: list, table) -> list[Colouring]:
    if table is None:
        return []
    if isinstance(table, (str, os.PathLike)):
        table = read_item_table(table)
    return [colour_by_column(items, table, column) for column in columns_of(table)]
