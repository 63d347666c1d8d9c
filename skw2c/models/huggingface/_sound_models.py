"""The kinds of models that are run: what they hear at once, and what their frames are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...exceptions import WeightsError
from ._windowing import FrameGrid, WindowGrid, Windowing

_RATES = (1000, 1_000_000)
_SECONDS = 30  # of a window, where the model hears any number


class SoundModel:
    """A model of sound with its feature extractor.

    A subclass cuts clips in ``windowing``, and pads windows to ``_shortest`` samples.

    Parameters
    ----------
    module : nn.Module
        In eval mode.
    extractor : feature extractor of transformers
    device : str
        Torch device.
    source : str
        What messages call it.

    Attributes
    ----------
    sampling_rate : int
        In Hz.
    width : int
        Length of its vectors.
    n_states : int
        Hidden states: what goes into the first block, and what comes out of each.
    heeds_scale : bool
        Whether vectors depend on how large the samples are.
    """

    heeds_scale = True
    _input = "input_values"
    _shortest: int

    def __init__(self, module: nn.Module, extractor, device: str, source: str):
        self._module: Any = module.to(device)
        self._extractor = extractor
        self._device = torch.device(device)
        self._source = source
        self.sampling_rate = _check_rate(extractor.sampling_rate, source)
        self._try_out()

    def windowing(self, seconds: float | None) -> Windowing:
        """How clips are cut, in windows of so many seconds; None: as long as usual.

        Raises
        ------
        ValueError
            If the model does not hear windows of that length.
        """
        raise NotImplementedError

    def resolve_layer(self, layer: Any) -> int | str:
        """Number of a layer counted from 0, or ``"mean"``.

        Raises
        ------
        ValueError
            If there is no such layer, or its frames are not those of the last one.
        """
        last = self.n_states - 1
        if layer != "mean" and not -self.n_states <= layer <= last:
            raise ValueError(
                f"layer={layer!r} must be 'mean' or a number from {-self.n_states} to {last}: the "
                f"model has {last} blocks, and 0 is before the first"
            )
        number = layer if layer == "mean" else layer % self.n_states
        if number != last and self._unlike:
            raise ValueError(
                f"layer={layer!r} has frames at another rate than the last layer in "
                f"{self._module.config.model_type!r}: only layer=-1 can be taken"
            )
        return number

    def embed(self, windows: Sequence[np.ndarray], layer: int | str) -> np.ndarray:
        """Vectors (n_windows, n_frames, width) of windows of one length, float32."""
        inputs = torch.cat([self._extract(samples) for samples in windows]).to(self._device)
        with torch.inference_mode():
            return self._to_frames(self._take_layer(inputs, layer)).float().cpu().numpy()

    def _take_layer(self, inputs: Tensor, layer: int | str) -> Tensor:
        is_last = layer == self.n_states - 1
        states = self._run(inputs, all_states=not is_last)
        if not isinstance(layer, str):
            return states[-1 if is_last else layer]
        total = states[0].clone()
        for state in states[1:]:
            total += state
        return total / len(states)

    def _run(self, inputs: Tensor, all_states: bool) -> list[Tensor]:
        """Hidden states (n_windows, n_tokens, width), the last of them normalised as it leaves."""
        given = {self._input: inputs, "output_hidden_states": all_states, "return_dict": True}
        outputs = self._network()(**given)
        before = outputs.hidden_states[:-1] if all_states else ()
        # Of some models the last hidden state is not normalised yet, and this always is.
        return [*before, outputs.last_hidden_state]

    def _extract(self, samples: np.ndarray) -> Tensor:
        """Inputs of one window, (1, ...)."""
        padded = np.pad(samples, (0, max(self._shortest - len(samples), 0)))
        rate = self.sampling_rate
        given = self._extractor(padded, sampling_rate=rate, return_tensors="np")[self._input]
        return torch.from_numpy(np.ascontiguousarray(given, np.float32))

    def _try_out(self) -> None:
        """Learn the sizes from a second of noise, and refuse what does not give what it should.

        Raises
        ------
        WeightsError
        """
        noise = np.random.default_rng(0).normal(0, 0.1, self.sampling_rate).astype(np.float32)
        try:
            inputs = self._extract(noise).to(self._device)
            with torch.inference_mode():
                states = self._run(inputs, all_states=True)
        except Exception as exc:  # what it trips over is the model's own
            reason = " ".join(str(exc).split())[:300]
            raise WeightsError(
                f"{self._source} cannot be run on what its feature extractor gives "
                f"({type(exc).__name__}: {reason})."
            ) from exc
        self.n_states, self.width = len(states), states[-1].shape[-1]
        self._unlike = any(state.shape != states[-1].shape for state in states)
        self._check_tokens(states[-1].shape[1])

    def _check_tokens(self, n_tokens: int) -> None:
        """Refuse a model that gives another number of tokens for a second of sound."""
        expected = self._count_tokens()
        if n_tokens != expected:
            raise WeightsError(
                f"{self._source} gives {n_tokens} vectors for a second of sound, expected "
                f"{expected}: when its frames are, cannot be told. "
                "A model with an adapter cannot be run here."
            )

    def _refuse_window(self, seconds: float | None, own: float) -> None:
        if seconds is not None:
            raise ValueError(
                f"window_length={seconds!r} cannot be chosen for "
                f"{self._module.config.model_type!r}, which always hears {own:g} seconds at once: "
                "leave it at None"
            )

    def _network(self) -> nn.Module:
        return self._module

    def _to_frames(self, state: Tensor) -> Tensor:
        """Vectors of frames, of those of all tokens."""
        return state

    def _count_tokens(self) -> int:
        """Vectors that the model has to give for a second of sound."""
        raise NotImplementedError


class WaveformModel(SoundModel):
    """wav2vec 2.0 and its kin: convolutions over the waveform, then a transformer."""

    def __init__(self, module: Any, extractor, device: str, source: str):
        config = module.config
        self._hop, self._field = _geometry(config.conv_kernel, config.conv_stride)
        # SEW joins so many frames to one, and parts them again in the end.
        self._unit = getattr(config, "squeeze_factor", 1)
        self._shortest = self._field + (self._unit - 1) * self._hop
        self.heeds_scale = not getattr(extractor, "do_normalize", False)
        super().__init__(module, extractor, device, source)

    def windowing(self, seconds: float | None) -> FrameGrid:
        """Windows of as many frames as there are in so many seconds, 30 where it is None."""
        n_samples = round((_SECONDS if seconds is None else seconds) * self.sampling_rate)
        if n_samples < self._shortest:
            raise ValueError(
                f"window_length={seconds!r} seconds is {n_samples} samples at "
                f"{self.sampling_rate} Hz; the model hears at least {self._shortest} "
                f"({self._shortest / self.sampling_rate:.4g} seconds)"
            )
        grid = FrameGrid(self._hop, self._field, 1, self._unit)
        return FrameGrid(self._hop, self._field, grid.count(n_samples), self._unit)

    def _count_tokens(self) -> int:
        return FrameGrid(self._hop, self._field, 1).count(self.sampling_rate)

    def _check_tokens(self, n_tokens: int) -> None:
        stated = int(self._module._get_feat_extract_output_lengths(self.sampling_rate))
        super()._check_tokens(n_tokens if stated == self._count_tokens() else stated)


class WhisperEncoder(SoundModel):
    """The encoder of Whisper, which always hears 30 seconds; zeros fill a shorter window."""

    _input = "input_features"
    _shortest = 1

    def __init__(self, module: Any, extractor, device: str, source: str):
        module = module.get_encoder() if hasattr(module, "decoder") else module
        if getattr(extractor, "dither", 0):
            raise WeightsError(
                f"{source} has a feature extractor with dither={extractor.dither!r}, which adds "
                "noise at random, so that each call would give other vectors: set it to 0."
            )
        self._n_frames = module.config.max_source_positions
        self._hop = extractor.hop_length * module.conv1.stride[0] * module.conv2.stride[0]
        super().__init__(module, extractor, device, source)

    def windowing(self, seconds: float | None) -> FrameGrid:
        """Windows of 1500 frames side by side; a frame counts that the clip fills in part."""
        self._refuse_window(seconds, self._n_frames * self._hop / self.sampling_rate)
        return FrameGrid(self._hop, self._hop, self._n_frames, counts_last=True)

    def _count_tokens(self) -> int:
        return self._n_frames


class PatchModel(SoundModel):
    """The Audio Spectrogram Transformer, which always hears 10.24 seconds."""

    _shortest = 400  # of a frame of the spectrogram, at the rate that it is made for
    _HOP = 160

    def windowing(self, seconds: float | None) -> WindowGrid:
        """Windows side by side, and one that ends with the clip."""
        length = self._module.config.max_length * self._HOP
        self._refuse_window(seconds, length / self.sampling_rate)
        return WindowGrid(length)

    def _to_frames(self, state: Tensor) -> Tensor:
        # As the model itself pools: the class token and that of distillation.
        return (state[:, :1] + state[:, 1:2]) / 2

    def _count_tokens(self) -> int:
        config = self._module.config
        strides = config.frequency_stride, config.time_stride
        sides = config.num_mel_bins, config.max_length
        counts = [
            (side - config.patch_size) // stride + 1
            for side, stride in zip(sides, strides, strict=True)
        ]
        return counts[0] * counts[1] + 2


def _geometry(kernels: Sequence[int], strides: Sequence[int]) -> tuple[int, int]:
    """Samples from frame to frame, and in one, of convolutions one after the other."""
    hop, field = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        field += (kernel - 1) * hop
        hop *= stride
    return hop, field


def _check_rate(rate, source: str) -> int:
    lowest, highest = _RATES
    if isinstance(rate, bool) or not isinstance(rate, int) or not lowest <= rate <= highest:
        raise WeightsError(
            f"{source} has a feature extractor with sampling_rate={rate!r}, expected a whole "
            f"number of Hz from {lowest} to {highest}."
        )
    return rate
