"""How a clip goes through Wav2CLIP, whole or in blocks, whatever computes the steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .._arrays import split
from .._framing import Framing
from .._streaming import join_blocks
from ._spectrogram_sizes import HOP_LENGTH, RATE, SHORTEST
from ._statistics import Statistics
from ._wav2clip_streaming import CORE_COLUMNS, stream_features, stream_spectrogram

# On a CPU more than 20 seconds of sound at once gain nothing and cost memory.
_COLUMNS_PER_BATCH = {"cpu": 4 * 227, "cuda": 128 * 454}


class Wav2CLIPFlow:
    """Embed clips with fixed weights, the same clip always in the same way.

    A subclass computes spectrograms in ``_transform``, maps of features in ``_network`` and vectors
    in ``_finish``; it names ``device_type`` and ``widths``, and the geometry of its network.
    """

    sampling_rate = RATE
    shortest = SHORTEST
    clip_framing: Framing | None = None

    device_type: Any
    _stride: int
    _reach: int
    _network: Callable[[Any], Any]

    def prepare(self, waveform: np.ndarray, framing: Framing | None) -> Any:
        """Turn (n_samples,) into the network's input, (n_frames, 257, columns).

        Without framing the clip is one frame. The statistics are those of the clip, all
        frames together, as in the original program on one clip at a time.
        """
        frames = _pad(waveform)[None] if framing is None else framing.cut(waveform)
        spectrograms = self._transform(frames)
        return Statistics().update(spectrograms).standardise(spectrograms)

    def longest(self, framing: Framing | None) -> int:
        """Samples of the longest clip whose spectrograms are computed in one piece."""
        longest = CORE_COLUMNS * HOP_LENGTH
        if framing is None:
            return longest
        of_many_frames = framing.length + (_frames_per_part(framing) - 1) * framing.hop
        return max(min(of_many_frames, longest), framing.length)

    def batch_limit(self, columns: int) -> int:
        """Most inputs of so many columns that are worth computing together."""
        limit = _COLUMNS_PER_BATCH.get(self.device_type, _COLUMNS_PER_BATCH["cpu"])
        return max(limit // columns, 1)

    def encode(self, inputs: Any, output: str) -> np.ndarray:
        """Embed prepared inputs (batch, 257, columns) as (batch, width), float32."""
        return self._finish(self._network(inputs[:, None]).mean((2, 3)), output)

    def embed_blocks(
        self,
        open_blocks: Callable[[], Iterable[np.ndarray]],
        framing: Framing | None,
        output: str,
    ) -> Iterator[np.ndarray]:
        """Embed a long clip in bounded memory, reading it twice.

        The first pass gathers the statistics of the spectrogram, the second runs the
        network.
        """
        statistics = Statistics()
        for part in self._stream(open_blocks(), framing):
            statistics.update(part)
        parts = map(statistics.standardise, self._stream(open_blocks(), framing))
        if framing is not None:
            yield from (self._encode_part(part, output) for part in parts)
            return
        features = stream_features(parts, self._network, stride=self._stride, reach=self._reach)
        yield self._finish(features[None], output)

    def _stream(self, blocks: Iterable[np.ndarray], framing: Framing | None) -> Iterator[Any]:
        if framing is None:
            yield from stream_spectrogram(
                blocks, lambda part: self._transform(part[None], center=False)[0]
            )
            return
        for frames in framing.cut_blocks(join_blocks(blocks), _frames_per_part(framing)):
            yield self._transform(frames)

    def _encode_part(self, part: Any, output: str) -> np.ndarray:
        pieces = split(part, -(-len(part) // self.batch_limit(part.shape[-1])))
        return np.concatenate([self.encode(piece, output) for piece in pieces])

    def _transform(self, waveforms: np.ndarray, center: bool = True) -> Any:
        """Log spectrograms (n, 257, columns) of waveforms (n, n_samples)."""
        raise NotImplementedError

    def _finish(self, features: Any, output: str) -> np.ndarray:
        """Turn features (n, n_features), an array or what `_network` gives, into vectors."""
        raise NotImplementedError


def _frames_per_part(framing: Framing) -> int:
    by_columns = CORE_COLUMNS // (1 + framing.length // HOP_LENGTH)
    by_samples = CORE_COLUMNS * HOP_LENGTH // framing.hop
    return max(min(by_columns, by_samples), 1)


def _pad(waveform: np.ndarray) -> np.ndarray:
    return np.pad(waveform, (0, max(SHORTEST - len(waveform), 0)))
