"""Captions: one for each row, or any number for each clip."""

from __future__ import annotations

import numpy as np

from ..exceptions import TextError
from ..metrics import tokenize_caption
from ._texts import check_text, list_texts


def check_captions(captions) -> list[str]:
    """List captions, all of which must be texts.

    Raises
    ------
    TextError
        If one is not; the message names its row.
    TypeError, ValueError
        As `list_texts`.
    """
    texts = list_texts(captions)
    for row, text in enumerate(texts):
        try:
            check_text(text)
        except TextError as exc:
            raise TextError(f"The caption of row {row}: {exc}") from exc
    return texts


def list_captions(captions) -> list[list[str]]:
    """List the captions of each clip.

    Parameters
    ----------
    captions : list, tuple, Series or array of shape (n_clips,)
        A string, or a list of strings, for each clip.

    Raises
    ------
    TextError
        If a caption is not a string, or has no words; the message names its row.
    TypeError, ValueError
        If this is not a collection, or a clip has an empty list.
    """
    if captions is None or isinstance(captions, (str, bytes)) or not np.iterable(captions):
        raise TypeError(
            f"captions is {captions!r}, expected a list with a string or a list of "
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
