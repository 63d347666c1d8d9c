"""Sizes that may be symbols while a graph is made. Annotations call them int, as torch's do."""

from __future__ import annotations

from typing import cast

import torch


def larger(one: int, other: int) -> int:
    """The larger of two sizes."""
    return cast(int, torch.sym_max(one, other))


def smaller(one: int, other: int) -> int:
    """The smaller of two sizes."""
    return cast(int, torch.sym_min(one, other))


def divide_up(size: int, divisor: int) -> int:
    """The quotient of what is not negative, rounded up."""
    return (size + divisor - 1) // divisor
