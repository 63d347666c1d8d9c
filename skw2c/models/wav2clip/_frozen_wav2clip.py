"""A frozen Wav2CLIP encoder: waveforms in, vectors out, nothing trained."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from .._framing import Framing
from .._on_device import OnDevice
from .._streaming import join_blocks
from ._folded_network import fold_network
from ._log_spectrogram import HOP_LENGTH, SHORTEST, Statistics
from ._openvino_network import OpenVINONetwork
from ._wav2clip_network import Wav2CLIP
from ._wav2clip_streaming import CORE_COLUMNS, stream_features, stream_spectrogram

# On a CPU more than 20 seconds of sound at once gain nothing and cost memory.
_COLUMNS_PER_BATCH = {"cpu": 4 * 227, "cuda": 128 * 454}


class FrozenWav2CLIP(OnDevice):
    """Embed clips with fixed weights, the same clip always in the same way.

    Parameters
    ----------
    model : Wav2CLIP
        Model in eval mode.
    device : str
        Torch device, or ``"openvino"`` for the CPU through OpenVINO.
    """

    sampling_rate = Wav2CLIP.sampling_rate
    shortest = SHORTEST
    heeds_scale = False  # its spectrogram is standardised
    clip_framing: Framing | None = None

    def __init__(self, model: Wav2CLIP, device: str):
        super().__init__("cpu" if device == "openvino" else device)
        encoder = model.audio_encoder
        self._front_end = encoder.spectrogram.to(self._device)
        self._stride, self._reach = encoder.time_stride, encoder.reach
        self._network: Callable[[Tensor], Tensor] = (
            OpenVINONetwork(encoder)
            if device == "openvino"
            else fold_network(encoder, self._device)
        )
        # In double precision, because matrix products in single precision differ in the
        # last bit with the number of rows.
        self._projections = {"embedding": copy.deepcopy(model.audio_transform).double()}
        self.widths = {"encoder": encoder.n_features, "embedding": model.n_outputs}
        if model.word_transform is not None and model.n_words is not None:
            self._projections["words"] = copy.deepcopy(model.word_transform).double()
            self.widths["words"] = model.n_words

    def prepare(self, waveform: np.ndarray, framing: Framing | None) -> Tensor:
        """Turn (n_samples,) into the network's input, (n_frames, 257, columns).

        Without framing the clip is one frame. The statistics are those of the clip, all
        frames together, as in the original program on one clip at a time.
        """
        frames = _pad(waveform)[None] if framing is None else framing.cut(waveform)
        with torch.inference_mode():
            spectrograms = self._front_end(self._to_device(frames))
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
        limit = _COLUMNS_PER_BATCH.get(self._device.type, _COLUMNS_PER_BATCH["cpu"])
        return max(limit // columns, 1)

    def encode(self, inputs: Tensor, output: str) -> np.ndarray:
        """Embed prepared inputs (batch, 257, columns) as (batch, width), float32."""
        with torch.inference_mode():
            return self._finish(self._network(inputs[:, None]).mean((2, 3)), output)

    @torch.inference_mode()
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

    def _stream(self, blocks: Iterable[np.ndarray], framing: Framing | None) -> Iterator[Tensor]:
        if framing is None:
            yield from stream_spectrogram(blocks, self._front_end)
            return
        for frames in framing.cut_blocks(join_blocks(blocks), _frames_per_part(framing)):
            yield self._front_end(self._to_device(frames))

    def _encode_part(self, part: Tensor, output: str) -> np.ndarray:
        pieces = part.tensor_split(-(-len(part) // self.batch_limit(part.shape[-1])))
        return np.concatenate([self.encode(piece, output) for piece in pieces])

    def _finish(self, features: Tensor, output: str) -> np.ndarray:
        features = features.cpu()
        projection = self._projections.get(output)
        vectors = features if projection is None else projection(features.double())
        return vectors.float().numpy()


def _frames_per_part(framing: Framing) -> int:
    by_columns = CORE_COLUMNS // (1 + framing.length // HOP_LENGTH)
    by_samples = CORE_COLUMNS * HOP_LENGTH // framing.hop
    return max(min(by_columns, by_samples), 1)


def _pad(waveform: np.ndarray) -> np.ndarray:
    return np.pad(waveform, (0, max(SHORTEST - len(waveform), 0)))
