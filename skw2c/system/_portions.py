"""Divide items into portions that are worked on together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def divide(
    items: Sequence[Item], sizes: Iterable[int], most_items: int, largest: int
) -> Iterator[list[Item]]:
    """Yield items in order, in portions of a bounded number and total size.

    Parameters
    ----------
    items : sequence
    sizes : iterable of int
        Of each item.
    most_items : int
        In a portion.
    largest : int
        Total size of a portion; an item that is larger is one by itself.
    """
    portion: list[Item] = []
    total = 0
    for item, size in zip(items, sizes, strict=True):
        if portion and (len(portion) == most_items or total + size > largest):
            yield portion
            portion, total = [], 0
        portion.append(item)
        total += size
    if portion:
        yield portion
