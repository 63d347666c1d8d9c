"""The mel spectrogram of CED, in decibels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from .._mel_filters import mel_filters
from ._ced_network import N_BANDS, PATCH

RATE = 16000
N_FFT, HOP_LENGTH = 512, 160
SHORTEST = (PATCH - 1) * HOP_LENGTH
"""Samples of the shortest sound whose spectrogram has a whole patch."""

_LEAST_POWER = 1e-10
_RANGE = 120.0


class LogMel:
    """Compute the mel spectrogram of sounds at 16 kHz, in decibels.

    Frames are centred on multiples of the hop, and the sound is mirrored at its ends.

    Parameters
    ----------
    device : torch.device
        Where it runs.
    """

    def __init__(self, device: torch.device):
        # The logarithm magnifies the rounding of a Fourier transform in single precision
        # where a loud sound leaves bands silent. MPS has no other.
        self._dtype = torch.float32 if device.type == "mps" else torch.float64
        self.window = torch.hann_window(N_FFT, dtype=torch.float64).to(device, self._dtype)
        filters = mel_filters(N_BANDS, N_FFT, RATE, "htk", equal_area=False)
        self._filters = filters.T.contiguous().to(device, self._dtype)

    def __call__(self, waveforms: Tensor) -> Tensor:
        """Map (n, n_samples) to (n, 64, 1 + n_samples // 160), float32, each with its floor."""
        ends = (N_FFT // 2, N_FFT // 2)
        frames = pad(waveforms, ends, mode="reflect").unfold(1, N_FFT, HOP_LENGTH)
        decibels = self.decibels(frames)
        return set_floor(decibels, decibels.amax((1, 2), keepdim=True))

    def decibels(self, frames: Tensor) -> Tensor:
        """Map frames (..., n_frames, 512) to (..., 64, n_frames), float32, without the floor."""
        spectra = torch.fft.rfft(frames.to(self._dtype) * self.window)
        # Nine times as quick as the square of abs(), which guards against overflow.
        return self.to_decibels(spectra.real.square().addcmul_(spectra.imag, spectra.imag))

    def to_decibels(self, power: Tensor) -> Tensor:
        """Map power spectra (..., n_frames, 257) to (..., 64, n_frames), without the floor."""
        decibels = 10 * (power @ self._filters).clamp_min_(_LEAST_POWER).log10_()
        return decibels.float().transpose(-1, -2)


def set_floor(decibels: Tensor, loudest: Tensor | float) -> Tensor:
    """Raise what is more than 120 dB below the loudest value of a clip; ``decibels`` is changed."""
    return decibels.clamp_min_(loudest - _RANGE)
