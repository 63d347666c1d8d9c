"""Cut a clip that comes in blocks into windows, and say which frames of each count.

A clip has the frames that the model would give for it whole: frame ``k`` begins ``k`` hops after
the start. Windows begin at frames of the clip, so that theirs are frames of the clip, and each
frame is taken from one window alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .._framing import Framing


@dataclass
class Window:
    """A part of a clip for the model.

    Attributes
    ----------
    samples : ndarray of shape (n_samples,)
    skip : int
        Frames at its start that an earlier window has given.
    count : int
        Frames after these that count; what follows is no sound of the clip.
    """

    samples: np.ndarray
    skip: int
    count: int


class Windowing(Protocol):
    """How clips are cut into windows, and when their frames are."""

    def cut_blocks(self, blocks: Iterable[np.ndarray]) -> Iterator[Window]:
        """Cut a clip, holding little more than two windows at a time."""

    def spans(self, n_frames: int, n_samples: int | None = None) -> np.ndarray:
        """First sample and sample after the last of each frame: (n_frames, 2) ints."""


@dataclass(frozen=True)
class FrameGrid:
    """Windows of many frames, each of which sees ``field`` samples.

    Attributes
    ----------
    hop, field : int
        Samples from frame to frame, and in one.
    per_window : int
        Most frames of a window.
    unit : int
        The model gives frames by so many at a time; what is left over at the end of a clip is
        no frame.
    counts_last : bool
        Whether a frame counts that the clip fills in part.
    """

    hop: int
    field: int
    per_window: int
    unit: int = 1
    counts_last: bool = False

    @property
    def length(self) -> int:
        """Samples of a full window."""
        return (self.per_window - 1) * self.hop + self.field

    def count(self, n_samples: int) -> int:
        """Number of frames of a clip; it has one at least."""
        if self.counts_last:
            return max(-(-n_samples // self.hop), 1)
        n_frames = 1 + max(n_samples - self.field, 0) // self.hop
        return max(n_frames - n_frames % self.unit, 1)

    def spans(self, n_frames: int, n_samples: int | None = None) -> np.ndarray:
        """First sample and sample after the last of each frame: (n_frames, 2) ints."""
        starts = np.arange(n_frames) * self.hop
        return np.stack([starts, starts + self.field], axis=1)

    def cut_blocks(self, blocks: Iterable[np.ndarray]) -> Iterator[Window]:
        """Cut a clip into full windows, the last of which is moved forward to be full.

        A clip of no more frames than one window has is one, as long as it is.
        """
        # What is kept begins at frame ``base``, and all frames before ``given`` were given.
        kept, base, given = np.zeros(0, np.float32), 0, 0
        for block in blocks:
            kept = np.concatenate([kept, block])
            while base + self.count(len(kept)) > given + self.per_window:
                kept = kept[(given - base) * self.hop :]
                yield Window(kept[: self.length], 0, self.per_window)
                # The last window may begin in this one.
                base, given = given, given + self.per_window
        n_frames = base + self.count(len(kept))
        if given == 0:
            yield Window(kept, 0, n_frames)
            return
        start = n_frames - self.per_window
        rest = kept[(start - base) * self.hop :][: self.length]
        yield Window(rest, given - start, n_frames - given)


@dataclass(frozen=True)
class WindowGrid:
    """Windows that are one frame each, the last of which ends with the clip.

    Attributes
    ----------
    length : int
        Samples of a window; a shorter clip is one by itself.
    """

    length: int

    def spans(self, n_frames: int, n_samples: int | None = None) -> np.ndarray:
        """First sample and sample after the last of each window: (n_frames, 2) ints."""
        return self._framing().spans(n_frames, n_samples)

    def cut_blocks(self, blocks: Iterable[np.ndarray]) -> Iterator[Window]:
        """Cut a clip into windows side by side, and one that ends with it."""
        for windows in self._framing().cut_blocks(blocks, 1):
            yield from (Window(samples, 0, 1) for samples in windows)

    def _framing(self) -> Framing:
        return Framing(self.length, self.length, align_tail=True)
