"""The door by which captions come to their metrics."""

from __future__ import annotations


def check_captions(candidates, references) -> tuple[list[str], list[list[str]]]:
    """List candidates, and the references of each.

    Raises
    ------
    ValueError
        If there are none, their numbers differ, or a clip has no reference.
    TypeError
        If a caption is no string, or one string stands where a list is expected.
    """
    candidates, references = _list("candidates", candidates), _list("references", references)
    if len(candidates) != len(references):
        raise ValueError(
            f"there are {len(candidates)} candidates and references for {len(references)} clips: "
            "each clip needs both, in the same order"
        )
    if not candidates:
        raise ValueError("candidates is empty: there is no caption to score")
    for row, caption in enumerate(candidates):
        _check_string(f"candidates[{row}]", caption)
    return candidates, [_check_references(row, own) for row, own in enumerate(references)]


def _check_references(row: int, captions) -> list[str]:
    captions = _list(f"references[{row}]", captions)
    if not captions:
        raise ValueError(f"references[{row}] is empty: a clip needs one reference or more")
    for position, caption in enumerate(captions):
        _check_string(f"references[{row}][{position}]", caption)
    return captions


def _list(name: str, captions) -> list:
    if isinstance(captions, str):
        raise TypeError(
            f"{name} is the single string {captions!r}, and a list is expected: [{captions!r}]"
        )
    try:
        return list(captions)
    except TypeError:
        raise TypeError(
            f"{name} is {captions!r} of type {type(captions).__name__}, and a list is expected"
        ) from None


def _check_string(name: str, caption) -> None:
    if not isinstance(caption, str):
        raise TypeError(
            f"{name} is {caption!r} of type {type(caption).__name__}, and a caption is a string: "
            "leave out clips that have none"
        )
