"""A frozen audio encoder of AudioCLIP: waveforms in, vectors out, nothing trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from ...weights import WeightsReference
from .._devices import ONNX_RUNTIME, choose_device_of_exported
from .._framing import Framing
from .._network_cache import keep_network
from .._on_device import OnDevice
from .._streaming import join_blocks, stream_maps
from ._audioclip_head import Head
from ._audioclip_state import build_audioclip
from ._esresnext import ESResNeXtFBSP, random_audioclip
from ._fbsp import (
    HOP_LENGTH,
    WINDOW_LENGTH,
    count_columns,
    cut_columns,
    pad_widths,
    project,
    rescale,
    to_decibels,
)
from ._folded_esresnext import FoldedESResNeXt

CORE_COLUMNS = 4704
"""Columns by which the convolutions advance on a long clip (60 seconds)."""

# Of the spectrogram of a long clip; each column is a window of 1654 samples.
_COLUMNS_AT_ONCE = 512

# On a CPU more than ten seconds of sound at once gain nothing and cost memory.
_COLUMNS_PER_BATCH = {"cpu": 2 * 392, "cuda": 64 * 392}


class FrozenAudioCLIP(OnDevice):
    """Embed clips with fixed weights, the same clip always in the same way.

    Parameters
    ----------
    network : ESResNeXtFBSP
        Network in eval mode.
    device : str
        Torch device, or ``"onnxruntime"``, where torch still computes clips of more than a minute.
    n_channels : int, default=1
        How often each clip is counted: the features of the channels are added up, also where
        all channels are the same.
    legacy_scaling : bool, default=False
        Whether samples are taken for 16-bit integers.
    """

    sampling_rate = ESResNeXtFBSP.sampling_rate

    def __init__(
        self,
        network: ESResNeXtFBSP,
        device: str,
        *,
        n_channels: int = 1,
        legacy_scaling: bool = False,
    ):
        super().__init__(device)
        self._n_channels = n_channels
        self._legacy = legacy_scaling
        self._stride, self._reach = network.time_stride, network.reach
        self._network = FoldedESResNeXt(network, self._device)
        self._map_whole = _run_in_onnx(network) if device == ONNX_RUNTIME else self._network
        self._head = Head(network)
        self.widths = {"encoder": network.n_features, "embedding": network.n_outputs}
        with torch.inference_mode():
            projection = project(network.fbsp(), network.window)
            self._projection = projection.contiguous().to(self._device)

    def longest(self, framing: Framing | None) -> int:
        """Samples of the longest clip whose spectrograms are computed in one piece."""
        if framing is None:
            return CORE_COLUMNS * HOP_LENGTH
        return framing.length + (_windows_per_part(framing) - 1) * framing.hop

    def prepare(self, waveform: np.ndarray, framing: Framing | None) -> Tensor:
        """Turn (n_samples,) into spectrograms in dB, (n_frames, 3, bins, columns)."""
        windows = waveform[None] if framing is None else framing.cut(waveform)
        return self._spectrograms(windows)

    def batch_limit(self, columns: int) -> int:
        """Most inputs of so many columns that are worth computing together."""
        limit = _COLUMNS_PER_BATCH.get(self._device.type, _COLUMNS_PER_BATCH["cpu"])
        return max(limit // columns, 1)

    def encode(self, inputs: Tensor, output: str) -> np.ndarray:
        """Embed spectrograms (batch, 3, bins, columns) as (batch, width), float32."""
        with torch.inference_mode():
            maps = self._map_whole(inputs)
            return self._finish(maps.mean((2, 3)), maps.amax((2, 3)), output)

    def embed_blocks(
        self,
        open_blocks: Callable[[], Iterable[np.ndarray]],
        framing: Framing | None,
        output: str,
    ) -> Iterator[np.ndarray]:
        """Embed a long clip in bounded memory.

        As one frame it is read twice: how it begins depends on how many samples it has.
        """
        if framing is None:
            yield self._embed_long(open_blocks, output)
            return
        for windows in framing.cut_blocks(join_blocks(open_blocks()), _windows_per_part(framing)):
            inputs = self._spectrograms(windows)
            pieces = -(-len(inputs) // self.batch_limit(inputs.shape[-1]))
            for piece in inputs.tensor_split(pieces):
                yield self.encode(piece, output)

    @torch.inference_mode()
    def _spectrograms(self, windows: np.ndarray) -> Tensor:
        """Spectrograms of windows, each by itself."""
        columns = cut_columns(rescale(self._to_device(windows), self._legacy))
        return to_decibels(columns, self._projection)

    @torch.inference_mode()
    def _embed_long(
        self, open_blocks: Callable[[], Iterable[np.ndarray]], output: str
    ) -> np.ndarray:
        n_samples = sum(map(len, open_blocks()))
        n_columns = count_columns(n_samples)
        maps = stream_maps(
            self._stream(open_blocks(), n_samples),
            lambda part: self._network(part[None], n_columns)[0].transpose(1, 2),
            stride=self._stride,
            reach=self._reach,
            core=CORE_COLUMNS,
        )
        total = torch.zeros((), dtype=torch.float64, device=self._device)
        largest = torch.full((), -torch.inf, device=self._device)
        count = 0
        for part in maps:
            total = total + part.sum((1, 2), dtype=torch.float64)
            count += part.shape[1] * part.shape[2]
            largest = torch.maximum(largest, part.amax((1, 2)))
        return self._finish((total / count)[None], largest[None], output)

    def _stream(self, blocks: Iterable[np.ndarray], n_samples: int) -> Iterator[Tensor]:
        """Yield the spectrogram of a clip that comes in blocks, (3, bins, k) each."""
        before, _ = pad_widths(n_samples)
        framing = Framing(WINDOW_LENGTH, HOP_LENGTH, pad_tail=True, lead=before)
        rescaled = (rescale(torch.from_numpy(block), self._legacy) for block in join_blocks(blocks))
        parts = framing.cut_blocks((block.numpy() for block in rescaled), _COLUMNS_AT_ONCE)
        for columns in parts:
            yield to_decibels(self._to_device(columns), self._projection)

    def _finish(self, mean: Tensor, largest: Tensor, output: str) -> np.ndarray:
        features = self._n_channels * self._head.weigh(mean.cpu(), largest.cpu())
        vectors = features if output == "encoder" else self._head.fc(features)
        return vectors.float().numpy()


def _windows_per_part(framing: Framing) -> int:
    by_columns = CORE_COLUMNS // count_columns(framing.length)
    by_samples = CORE_COLUMNS * HOP_LENGTH // framing.hop
    return max(min(by_columns, by_samples), 1)


def _run_in_onnx(network: ESResNeXtFBSP) -> Callable[[Tensor], Tensor]:
    from .._onnx_network import OnnxNetwork
    from ._audioclip_graph import AudioCLIPNetworkGraph

    return OnnxNetwork(AudioCLIPNetworkGraph(network))


def get_frozen_audioclip(
    reference: WeightsReference,
    device: str,
    *,
    n_channels: int = 1,
    legacy_scaling: bool = False,
) -> FrozenAudioCLIP:
    """Build the encoder that ``reference`` names, or take it from those built before.

    Parameters
    ----------
    reference : WeightsReference
        Which weights.
    device : str
        ``"auto"``, a torch device, or ``"onnxruntime"``.
    n_channels : int, default=1
        How often each clip is counted.
    legacy_scaling : bool, default=False
        Whether samples are taken for 16-bit integers.

    Raises
    ------
    ValueError
        If torch does not know the device, or has none of that kind.
    WeightsError
        If the weights do not fit.
    """
    device = choose_device_of_exported(device, "AudioCLIP")
    return keep_network(
        ("audioclip", reference, device, n_channels, legacy_scaling),
        lambda: FrozenAudioCLIP(
            read_network(reference),
            device,
            n_channels=n_channels,
            legacy_scaling=legacy_scaling,
        ),
    )


def read_network(reference: WeightsReference) -> ESResNeXtFBSP:
    """Read the network that is referred to, or draw it."""
    if reference.seed is not None:
        return random_audioclip(reference.seed)
    return build_audioclip(reference.read(), reference.label)
