"""Work that is divided: the task of each part, and what is reported of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from numbers import Integral
from typing import Self

_PIECES = 8


@dataclass(frozen=True)
class Task(ABC):
    """A part of the work on some files.

    Attributes
    ----------
    number : int
        Of the part.
    piece : str
        Empty for a whole part; else what tells a piece of it from the others.
    """

    number: int
    piece: str = field(default="", kw_only=True)

    @abstractmethod
    def __len__(self) -> int:
        """Number of files."""

    @abstractmethod
    def take(self, files: slice, piece: str) -> Self:
        """The work on some of the files."""

    def split(self) -> list[Self]:
        """Up to eight pieces of about the same number of files."""
        size = -(-len(self) // _PIECES)
        starts = range(0, len(self), size)
        return [self.take(slice(k, k + size), f"{self.piece}{n}") for n, k in enumerate(starts)]


@dataclass
class Report:
    """What was done for a part or a piece of one.

    Attributes
    ----------
    number : int
        Of the part.
    n_files : int
    """

    number: int
    n_files: int


def check_share(part: tuple) -> tuple[int, int]:
    """Check which share of the parts is meant, (k, n): every n-th, beginning with the k-th.

    Raises
    ------
    ValueError
        If there is no such share.
    """
    if len(part) != 2 or not all(isinstance(number, Integral) for number in part):
        raise ValueError(f"part={part!r} must be two whole numbers (k, n)")
    k, n = map(int, part)
    if not 1 <= k <= n:
        raise ValueError(f"part={part!r} must be (k, n) with 1 <= k <= n")
    return k, n
