"""Validation of the captions that the metrics take."""

from __future__ import annotations


def check_captions(candidates, references) -> tuple[list[str], list[list[str]]]:
    """Return the candidates, and the references of each, as lists.

    Raises
    ------
    ValueError
        If there are no candidates, their number differs from that of the references, or a
        clip has no reference.
    TypeError
        If a caption is not a string, or a single string was passed instead of a list.
    """
    candidates, references = _list("candidates", candidates), _list("references", references)
    if len(candidates) != len(references):
        raise ValueError(
            f"got {len(candidates)} candidates and references for {len(references)} clips: each "
            "clip needs both, in the same order"
        )
    if not candidates:
        raise ValueError("got 0 candidates, expected at least one caption to score")
    for row, caption in enumerate(candidates):
        _check_string(f"candidates[{row}]", caption)
    return candidates, [_check_references(row, own) for row, own in enumerate(references)]


def _check_references(row: int, captions) -> list[str]:
    captions = _list(f"references[{row}]", captions)
    if not captions:
        raise ValueError(f"references[{row}] is empty: a clip needs at least one reference")
    for position, caption in enumerate(captions):
        _check_string(f"references[{row}][{position}]", caption)
    return captions


def _list(name: str, captions) -> list:
    if isinstance(captions, str):
        raise TypeError(
            f"{name} is the single string {captions!r}, expected a list: [{captions!r}]"
        )
    try:
        return list(captions)
    except TypeError:
        raise TypeError(
            f"{name} is {captions!r} of type {type(captions).__name__}, expected a list"
        ) from None


def _check_string(name: str, caption) -> None:
    if not isinstance(caption, str):
        raise TypeError(
            f"{name} is {caption!r} of type {type(caption).__name__}, expected a string: leave out "
            "clips without a caption"
        )
