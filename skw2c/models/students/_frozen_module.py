"""A frozen encoder of the user's own making: waveforms in, vectors out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._framing import Framing
from .._on_device import OnDevice
from .._streaming import join_blocks
from ..wav2clip import Projection
from ._student import hearing_of

_ENCODER, _PROJECTION = "audio_encoder.", "audio_transform."
_SECONDS_PER_BATCH = 20  # more at once gain nothing on a CPU, as for the networks of Wav2CLIP
_FRAMES_AT_ONCE = 64


def restore_module(
    encoder: nn.Module, state: Mapping[str, Tensor]
) -> tuple[nn.Module, Projection | None]:
    """Give a module its trained weights, and make the projection that goes with it.

    Parameters
    ----------
    encoder : nn.Module
        Gives the form; it is copied.
    state : mapping of str to Tensor
        Entries ``audio_encoder.*``, and ``audio_transform.*`` where there is a projection.

    Raises
    ------
    RuntimeError
        If the entries do not fit the module.
    """
    encoder = copy.deepcopy(encoder)
    encoder.load_state_dict(_below(_ENCODER, state))
    return encoder.eval().requires_grad_(False), restore_projection(_PROJECTION, state)


def restore_projection(prefix: str, state: Mapping[str, Tensor]) -> Projection | None:
    """Make the projection whose entries begin with ``prefix``, in double precision.

    None where there are none.
    """
    entries = _below(prefix, state)
    if not entries:
        return None
    n_hidden, n_in = entries["sequential.0.weight"].shape
    projection = Projection(n_in, n_hidden, len(entries["sequential.3.bias"]))
    projection.load_state_dict(entries)
    return projection.double().eval().requires_grad_(False)


def _below(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): x for name, x in state.items() if name.startswith(prefix)}


class FrozenModule(OnDevice):
    """Embed clips with a trained module, which sees each clip as a whole.

    Parameters
    ----------
    encoder : nn.Module
        From waveforms (batch, n_samples) to vectors (batch, n_features), in eval mode; at 16 kHz,
        or the rate that it states.
    projection : nn.Module or None
        From these vectors to the teacher's space.
    device : str
        Torch device.
    """

    clip_framing: Framing | None = None

    def __init__(self, encoder: nn.Module, projection: Any, device: str):
        super().__init__(device)
        hearing = hearing_of(encoder)
        self.sampling_rate, self.shortest = hearing.sampling_rate, hearing.shortest
        self._encoder = encoder.to(self._device)
        self._projection = projection
        n_features = self._run(torch.zeros(1, self.sampling_rate)).shape[1]
        n_outputs = n_features if projection is None else projection.sequential[-1].out_features
        self.widths = {"encoder": n_features, "embedding": n_outputs}

    def longest(self, framing: Framing | None) -> int:
        """Samples of the longest clip that `prepare` takes."""
        return 120 * self.sampling_rate

    def prepare(self, waveform: np.ndarray, framing: Framing | None) -> Tensor:
        """Turn (n_samples,) into frames (n_frames, n_samples of a frame).

        A clip shorter than a second is repeated until it has one.
        """
        if framing is None and len(waveform) < self.sampling_rate:
            waveform = np.resize(waveform, self.sampling_rate)
        frames = waveform[None] if framing is None else framing.cut(waveform)
        return torch.from_numpy(np.array(frames))

    def batch_limit(self, columns: int) -> int:
        """Most frames of so many samples that are worth computing together."""
        return max(_SECONDS_PER_BATCH * self.sampling_rate // columns, 1)

    def encode(self, inputs: Tensor, output: str) -> np.ndarray:
        """Embed frames (batch, n_samples) as (batch, width), float32."""
        vectors = self._run(inputs)
        if output == "embedding" and self._projection is not None:
            with torch.inference_mode():
                vectors = self._projection(vectors.double())
        return vectors.float().numpy()

    def embed_blocks(
        self,
        open_blocks: Callable[[], Iterable[np.ndarray]],
        framing: Framing | None,
        output: str,
    ) -> Iterator[np.ndarray]:
        """Embed a long clip; without framing it is put together, since no more is known."""
        parts: Iterable[np.ndarray]
        if framing is None:
            parts = [np.concatenate(list(open_blocks()))[None]]
        else:
            parts = framing.cut_blocks(join_blocks(open_blocks()), _FRAMES_AT_ONCE)
        for part in parts:
            yield self.encode(torch.from_numpy(np.array(part)), output)

    def _run(self, waveforms: Tensor) -> Tensor:
        with torch.inference_mode():
            return self._encoder(waveforms.to(self._device)).cpu()
