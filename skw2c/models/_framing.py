"""Cut a waveform into frames, whole or as it comes in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

Windows = TypeVar("Windows", bound="Framing | None", contravariant=True)
"""What an encoder can be given: a `Framing`, or also None, where it can see a clip as a whole."""


@dataclass(frozen=True)
class Framing:
    """Frames of ``length`` samples every ``hop`` samples.

    Attributes
    ----------
    length, hop : int
        In samples.
    pad_tail : bool
        Whether an incomplete last frame is zero-padded, or dropped. A waveform shorter
        than one frame is always padded to one.
    lead : int
        Zeros before the waveform. With half a frame of them, frames are centred on
        multiples of ``hop``.
    align_tail : bool
        Whether an incomplete last frame is moved so far forward that it ends with the waveform,
        and is whole. A waveform shorter than one frame is then one frame of its own length:
        nothing is added to any. It goes with neither of the other two.
    """

    length: int
    hop: int
    pad_tail: bool = False
    lead: int = 0
    align_tail: bool = False

    def count(self, n_samples: int) -> int:
        """Number of frames in a waveform."""
        n_samples += self.lead
        beyond = max(n_samples - self.length, 0)
        if self.align_tail:
            return 1 + -(-beyond // self.hop)
        if not self.pad_tail:
            return 1 + beyond // self.hop
        return max(min(1 + -(-beyond // self.hop), -(-n_samples // self.hop)), 1)

    def spans(self, n_frames: int, n_samples: int | None = None) -> np.ndarray:
        """First sample and sample after the last of each frame: (n_frames, 2) ints.

        Parameters
        ----------
        n_frames : int
        n_samples : int or None
            Length of the waveform, which an aligned last frame ends with. None: it is full of
            whole frames.
        """
        starts = np.arange(n_frames) * self.hop - self.lead
        spans = np.stack([starts, starts + self.length], axis=1)
        if self.align_tail and n_samples is not None and n_frames:
            spans[-1] = max(n_samples - self.length, 0), n_samples
        return spans

    def cut(self, waveform: np.ndarray) -> np.ndarray:
        """Cut (n_samples,) into (n_frames, length)."""
        n_frames = self.count(len(waveform))
        if self.align_tail:
            return self._cut_aligned(waveform, n_frames)
        end = (n_frames - 1) * self.hop + self.length - self.lead
        waveform = np.pad(waveform[:end], (self.lead, max(end - len(waveform), 0)))
        return np.lib.stride_tricks.sliding_window_view(waveform, self.length)[:: self.hop]

    def cut_blocks(self, blocks: Iterable[np.ndarray], n_frames: int) -> Iterator[np.ndarray]:
        """Cut a waveform that comes in blocks, at most ``n_frames`` frames at a time."""
        if self.align_tail:
            yield from self._cut_aligned_blocks(blocks, n_frames)
            return
        kept, skip, n_given = np.zeros(self.lead, np.float32), 0, 0
        span = (n_frames - 1) * self.hop + self.length
        led = replace(self, lead=0)
        for block in blocks:
            kept = np.concatenate([kept, block])
            while len(kept) - skip >= span:
                yield led.cut(kept[skip : skip + span])
                n_given += n_frames
                skip += n_frames * self.hop
            kept, skip = kept[skip:], max(skip - len(kept), 0)
        rest = kept[skip:]
        starts_frame = len(rest) >= self.length or n_given == 0
        if starts_frame or (self.pad_tail and self._has_unframed(rest)):
            yield led.cut(rest)

    def _has_unframed(self, rest: np.ndarray) -> bool:
        # What overlaps the last frame has been framed already.
        return len(rest) > max(self.length - self.hop, 0)

    def _cut_aligned(self, waveform: np.ndarray, n_frames: int) -> np.ndarray:
        if len(waveform) <= self.length:
            return waveform[None]
        starts = np.minimum(np.arange(n_frames) * self.hop, len(waveform) - self.length)
        return np.lib.stride_tricks.sliding_window_view(waveform, self.length)[starts]

    def _cut_aligned_blocks(self, blocks: Iterable[np.ndarray], n_frames: int):
        kept, start = np.zeros(0, np.float32), 0  # of the next frame, in what is kept
        span = (n_frames - 1) * self.hop + self.length
        for block in blocks:
            kept = np.concatenate([kept, block])
            while len(kept) - start > span:
                yield self._cut_aligned(kept[start : start + span], n_frames)
                start += n_frames * self.hop
            # What the last frame may begin with is still needed.
            spare = min(max(len(kept) - self.length, 0), start)
            kept, start = kept[spare:], start - spare
        rest = kept[min(start, max(len(kept) - self.length, 0)) :]
        yield self._cut_aligned(rest, self.count(len(rest)))
