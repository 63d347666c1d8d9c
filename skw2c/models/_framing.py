"""Cut a waveform into frames, whole or as it comes in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np


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
    """

    length: int
    hop: int
    pad_tail: bool = False
    lead: int = 0

    def count(self, n_samples: int) -> int:
        """Number of frames in a waveform."""
        n_samples += self.lead
        beyond = max(n_samples - self.length, 0)
        if not self.pad_tail:
            return 1 + beyond // self.hop
        return max(min(1 + -(-beyond // self.hop), -(-n_samples // self.hop)), 1)

    def spans(self, n_frames: int) -> np.ndarray:
        """First sample and sample after the last of each frame: (n_frames, 2) ints."""
        starts = np.arange(n_frames) * self.hop - self.lead
        return np.stack([starts, starts + self.length], axis=1)

    def cut(self, waveform: np.ndarray) -> np.ndarray:
        """Cut (n_samples,) into (n_frames, length)."""
        n_frames = self.count(len(waveform))
        end = (n_frames - 1) * self.hop + self.length - self.lead
        waveform = np.pad(waveform[:end], (self.lead, max(end - len(waveform), 0)))
        return np.lib.stride_tricks.sliding_window_view(waveform, self.length)[:: self.hop]

    def cut_blocks(self, blocks: Iterable[np.ndarray], n_frames: int) -> Iterator[np.ndarray]:
        """Cut a waveform that comes in blocks, at most ``n_frames`` frames at a time."""
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
