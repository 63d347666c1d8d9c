"""How the network of inverted bottlenecks is built, whatever computes it."""

from __future__ import annotations

from typing import NamedTuple

N_BANDS = 64
HIGHEST = 8000.0
N_BINS = 257


class Shape(NamedTuple):
    """Shape of a block of full width.

    Attributes
    ----------
    expanded, channels : int
        Channels within the block, and of its result.
    stride : tuple of int
        Over frequency and time.
    fused : bool
        Whether one convolution of 3 x 3 both expands and looks around. Where maps are large and
        channels few, a CPU computes it faster than the two that do so with fewer operations.
    """

    expanded: int
    channels: int
    stride: tuple[int, int] = (1, 1)
    fused: bool = False


STEM = 16
BLOCKS = (
    Shape(32, 16, fused=True),
    Shape(64, 32, (2, 2), fused=True),
    Shape(96, 32, fused=True),
    Shape(128, 48, (2, 2), fused=True),
    Shape(144, 48, fused=True),
    Shape(240, 96, (2, 2)),
    Shape(288, 96),
    Shape(288, 96),
    Shape(480, 128),
    Shape(512, 128),
    Shape(640, 160, (2, 1)),
    Shape(800, 160),
    Shape(800, 160),
)
FULL_WIDTH = 64


def scale(channels: int, width: int) -> int:
    """Channels at a width, a multiple of 8, which the vector units of CPUs like."""
    return max(round(channels * width / FULL_WIDTH / 8), 1) * 8
