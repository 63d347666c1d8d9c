"""The log-mel spectrogram of YAMNet."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

RATE = 16000
FRAME_LENGTH, FRAME_HOP, FFT_LENGTH = 400, 160, 512
N_FRAMES, N_BANDS = 96, 64
WINDOW_LENGTH = (N_FRAMES - 1) * FRAME_HOP + FRAME_LENGTH
LOG_OFFSET = 0.001

_LOWEST, _HIGHEST = 125.0, 7500.0


def hann_window() -> np.ndarray:
    """The periodic Hann window of a frame, (400,)."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME_LENGTH) / FRAME_LENGTH)


def mel_matrix() -> np.ndarray:
    """Weight of each FFT bin in each band, (64, 257).

    The triangles are straight on the mel scale, not in Hz, and have the peak 1. The first
    bin counts nowhere.
    """
    bins = _to_mel(np.linspace(0, RATE / 2, FFT_LENGTH // 2 + 1))
    edges = np.linspace(_to_mel(_LOWEST), _to_mel(_HIGHEST), N_BANDS + 2)[:, None]
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - lower) / (centre - lower)
    falling = (upper - bins) / (upper - centre)
    return np.maximum(0, np.minimum(rising, falling))


def _to_mel(hertz):
    return 1127 * np.log1p(np.asarray(hertz) / 700)


class LogMel:
    """Compute the log-mel spectrogram of sounds at 16 kHz.

    Parameters
    ----------
    device : torch.device
        Where it runs.
    """

    def __init__(self, device: torch.device):
        # The logarithm magnifies the rounding of a Fourier transform in single precision
        # where a loud sound leaves bands silent. MPS has no other.
        dtype = torch.float32 if device.type == "mps" else torch.float64
        # A frame of 400 samples and zeros to 512 is a frame of 512 under a window that
        # ends with zeros.
        window = np.pad(hann_window(), (0, FFT_LENGTH - FRAME_LENGTH))
        self.window = torch.from_numpy(window).to(device, dtype)
        self._mel = torch.from_numpy(mel_matrix().T.copy()).to(device, torch.float32)

    def __call__(self, waveforms: Tensor) -> Tensor:
        """Map (n, n_samples) to (n, n_frames, 64), whole frames only."""
        waveforms = pad(waveforms.to(self.window.dtype), (0, FFT_LENGTH - FRAME_LENGTH))
        spectra = torch.fft.rfft(waveforms.unfold(1, FFT_LENGTH, FRAME_HOP) * self.window)
        # Several times as fast as the modulus of complex numbers, which guards against overflow.
        real, imaginary = spectra.real, spectra.imag
        return self.to_bands(torch.addcmul(real * real, imaginary, imaginary))

    def to_bands(self, power: Tensor) -> Tensor:
        """Map power spectra (n, n_frames, 257) to (n, n_frames, 64)."""
        return (power.sqrt().float() @ self._mel).add_(LOG_OFFSET).log_()
