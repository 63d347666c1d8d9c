"""A frozen CED: clips in, embeddings and scores out, nothing trained."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from ...weights import WeightsReference
from .._devices import ONNX_RUNTIME, choose_device_of_exported
from .._framing import Framing
from .._network_cache import keep_network
from .._streaming import join_blocks
from .._window_encoder import WindowEncoder
from ._ced_configuration import CEDConfiguration, read_beside, read_configuration
from ._ced_front_end import HOP_LENGTH, N_FFT, RATE, SHORTEST, LogMel, set_floor
from ._ced_network import CED, CHUNK_COLUMNS, CHUNK_FRAMES, arrange_columns, cut_chunks, random_ced
from ._ced_state import build_ced

# On a CPU more than two chunks at once gain nothing.
_COLUMNS_PER_BATCH = {"cpu": 2 * CHUNK_COLUMNS, "cuda": 128 * CHUNK_COLUMNS}
_CHUNKS_AT_ONCE = 6
"""Of the longest clip whose spectrogram is computed in one piece: a minute."""
_SAMPLES_PER_TRANSFORM = CHUNK_FRAMES * HOP_LENGTH
_SECONDS_AT_ONCE = 300


class FrozenCED(WindowEncoder):
    """Embed clips, or windows, with fixed weights, the same clip always in the same way.

    Framing None embeds a clip as one frame. The floor of the spectrogram, 120 dB below the
    loudest value, is that of the clip, or of each window by itself.

    Parameters
    ----------
    network : CED
        Network in eval mode.
    device : str
        Torch device, or ``"onnxruntime"``.

    Attributes
    ----------
    n_heads : int
        Heads of the attention, which the file of weights does not tell.
    """

    sampling_rate = RATE

    def __init__(self, network: CED, device: str):
        super().__init__(device)
        self.n_heads = network.encoder.n_heads
        self._front_end = LogMel(self._device)
        self._encoder = network.encoder.to(self._device)
        self._average = (
            _run_in_onnx(network) if device == ONNX_RUNTIME else lambda x: self._encoder(x).mean(1)
        )
        # In double precision, because matrix products in single precision differ in the
        # last bit with the number of rows.
        self._classifier = copy.deepcopy(network.outputlayer).double()
        n_classes = network.outputlayer[1].out_features
        self.widths = {"embedding": network.encoder.width, "scores": n_classes}

    def longest(self, framing: Framing | None) -> int:
        """Samples of the longest clip that `prepare` takes."""
        if framing is None:
            return _CHUNKS_AT_ONCE * CHUNK_FRAMES * HOP_LENGTH
        return super().longest(framing)

    def prepare(self, waveform: np.ndarray, framing: Framing | None) -> Tensor:
        """Turn (n_samples,) into normalised spectrograms (n_frames, 64, columns)."""
        if framing is not None:
            return super().prepare(waveform, framing)
        with torch.inference_mode():
            return self._spectrograms(waveform[None])

    def batch_limit(self, columns: int) -> int:
        """Most inputs of so many columns that are worth computing together."""
        limit = _COLUMNS_PER_BATCH.get(self.device_type, _COLUMNS_PER_BATCH["cpu"])
        return max(limit // columns, 1)

    def encode(self, inputs: Tensor, output: str) -> np.ndarray:
        """Embed spectrograms (batch, 64, columns) as (batch, width), float32."""
        columns = min(inputs.shape[-1], CHUNK_COLUMNS)
        with torch.inference_mode():
            chunks = inputs.unflatten(2, (-1, columns)).transpose(1, 2)
            means = self._average_tokens(chunks.flatten(0, 1))
            return self._finish(means.unflatten(0, chunks.shape[:2]).mean(1), output)

    def embed_blocks(
        self,
        open_blocks: Callable[[], Iterable[np.ndarray]],
        framing: Framing | None,
        output: str,
    ) -> Iterator[np.ndarray]:
        """Embed a long clip in bounded memory.

        As one frame it is read twice: the floor depends on its loudest moment.
        """
        if framing is None:
            yield self._embed_long(open_blocks, output)
        else:
            yield from super().embed_blocks(open_blocks, framing, output)

    def _count_at_once(self, framing: Framing) -> int:
        by_length = _SECONDS_AT_ONCE * self.sampling_rate // framing.length
        return max(min(super()._count_at_once(framing), by_length), 1)

    def _compute_inputs(self, frames: np.ndarray, hop: int) -> Tensor:
        """Turn windows (n_frames, length) into spectrograms, some ten seconds at a time."""
        step = max(_SAMPLES_PER_TRANSFORM // frames.shape[1], 1)
        starts = range(0, len(frames), step)
        return torch.cat([self._spectrograms(frames[start : start + step]) for start in starts])

    def _spectrograms(self, windows: np.ndarray) -> Tensor:
        """Normalised spectrograms (n, 64, columns) of sounds, each by itself."""
        waveforms = self._to_device(windows)
        waveforms = pad(waveforms, (0, max(SHORTEST - waveforms.shape[1], 0)))
        return arrange_columns(self._encoder.normalise(self._front_end(waveforms)))

    @torch.inference_mode()
    def _embed_long(
        self, open_blocks: Callable[[], Iterable[np.ndarray]], output: str
    ) -> np.ndarray:
        loudest = max(float(part.amax()) for part in self._stream(open_blocks()))
        total, n_chunks = torch.zeros((), dtype=torch.float64), 0
        for decibels in self._stream(open_blocks()):
            normalised = self._encoder.normalise(set_floor(decibels, loudest)[None])
            means = self._average_tokens(cut_chunks(normalised)[0].transpose(0, 1))
            total = total + means.sum(0)
            n_chunks += len(means)
        return self._finish((total / n_chunks)[None], output)

    def _stream(self, blocks: Iterable[np.ndarray]) -> Iterator[Tensor]:
        """Yield the decibels of a clip chunk by chunk, (64, n_frames) each, without the floor."""
        framing = Framing(N_FFT, HOP_LENGTH)
        for frames in framing.cut_blocks(_mirror_ends(join_blocks(blocks)), CHUNK_FRAMES):
            yield self._front_end.decibels(self._to_device(frames))

    def _average_tokens(self, chunks: Tensor) -> Tensor:
        """Mean of the tokens of chunks (n, 64, columns): (n, width), float64, on the CPU."""
        parts = chunks.split(self.batch_limit(chunks.shape[-1]))
        return torch.cat([self._average(part).cpu() for part in parts]).double()

    def _finish(self, means: Tensor, output: str) -> np.ndarray:
        vectors = means if output == "embedding" else self._classifier(means).sigmoid()
        return vectors.float().numpy()


def _mirror_ends(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Add half a frame to both ends of a sound that comes in blocks, the first one longer."""
    half, last = N_FFT // 2, np.zeros(0, np.float32)
    for number, block in enumerate(blocks):
        if not number:
            yield block[half:0:-1]
        yield block
        last = np.concatenate([last, block[-half - 1 :]])[-half - 1 :]
    yield last[-2::-1]


def _run_in_onnx(network: CED) -> Callable[[Tensor], Tensor]:
    from .._onnx_network import OnnxNetwork
    from ._ced_graph import CEDNetworkGraph

    average = OnnxNetwork(CEDNetworkGraph(network.encoder))
    return lambda chunks: average(chunks[:, None])


def get_frozen_ced(reference: WeightsReference, device: str) -> FrozenCED:
    """Build the CED that ``reference`` names, or take it from those built before.

    Parameters
    ----------
    reference : WeightsReference
        Which weights.
    device : str
        ``"auto"``, a torch device, or ``"onnxruntime"``.

    Raises
    ------
    ValueError
        If torch does not know the device, or has none of that kind.
    WeightsError
        If the weights are not those of CED.
    """
    device = choose_device_of_exported(device, "CED")
    beside = read_beside(reference)
    return keep_network(
        ("ced", reference, device, beside),
        lambda: FrozenCED(read_network(reference, beside), device),
    )


def read_network(reference: WeightsReference, beside: CEDConfiguration | None) -> CED:
    """Read the network that is referred to, or draw it."""
    if reference.seed is not None:
        return random_ced(reference.seed)
    stated = read_configuration(reference) if beside is None else beside
    return build_ced(reference.read(), reference.label, stated)
