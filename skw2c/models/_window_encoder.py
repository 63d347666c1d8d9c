"""Encoders that see a clip as windows, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from ._framing import Framing
from ._on_device import OnDevice
from ._streaming import join_blocks

_SECONDS_AT_ONCE = 300


class WindowEncoder(OnDevice):
    """Embed clips window by window.

    A subclass turns windows into inputs in ``_compute_inputs``, and these into vectors in
    ``encode``; it names ``sampling_rate``, ``widths`` and ``batch_limit``.

    Attributes
    ----------
    windows_at_once : int
        Most windows whose inputs are computed in one piece; longer clips are streamed. Where
        they lie far apart, it is those of some five minutes.
    """

    windows_at_once = 256

    def longest(self, framing: Framing) -> int:
        """Samples of the longest clip that `prepare` takes."""
        return framing.length + (self._count_at_once(framing) - 1) * framing.hop - framing.lead

    def prepare(self, waveform: np.ndarray, framing: Framing) -> Tensor:
        """Turn (n_samples,) into the network's inputs, (n_frames, ..., columns)."""
        with torch.inference_mode():
            return self._compute_inputs(framing.cut(waveform), framing.hop)

    def embed_blocks(
        self,
        open_blocks: Callable[[], Iterable[np.ndarray]],
        framing: Framing,
        output: str,
    ) -> Iterator[np.ndarray]:
        """Embed a long clip in bounded memory, reading it once."""
        for frames in framing.cut_blocks(join_blocks(open_blocks()), self._count_at_once(framing)):
            with torch.inference_mode():
                inputs = self._compute_inputs(frames, framing.hop)
            pieces = -(-len(inputs) // self.batch_limit(inputs.shape[-1]))
            for piece in inputs.tensor_split(pieces):
                yield self.encode(piece, output)

    sampling_rate: int

    def _count_at_once(self, framing: Framing) -> int:
        between = _SECONDS_AT_ONCE * self.sampling_rate // framing.hop
        return max(min(self.windows_at_once, between), 1)

    def batch_limit(self, columns: int) -> int:
        """Most inputs of so many columns that are worth computing together."""
        raise NotImplementedError

    def encode(self, inputs: Tensor, output: str) -> np.ndarray:
        """Embed inputs of any clips (batch, ..., columns) as (batch, width), float32."""
        raise NotImplementedError

    def _compute_inputs(self, frames: np.ndarray, hop: int) -> Tensor:
        """Turn windows (n_frames, length), ``hop`` samples apart, into inputs."""
        raise NotImplementedError
