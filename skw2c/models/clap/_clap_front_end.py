"""The log-mel spectrogram of CLAP: windows of ten seconds at 48 kHz."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from .._mel_filters import mel_filters

RATE = 48000
WINDOW_LENGTH = 480_000
FFT_LENGTH, HOP_LENGTH = 1024, 480
N_BANDS = 64
N_FRAMES = WINDOW_LENGTH // HOP_LENGTH + 1

_FLOOR = 1e-10
_WINDOWS_AT_ONCE = 1
"""Windows that are transformed together: the frames and spectra of one take 30 MB."""


class LogMel:
    """Compute the log-mel spectrogram of windows, in decibels.

    Parameters
    ----------
    fused : bool
        Whether the network was trained with fusion of features. Those have a bank of filters
        of their own, for short clips too.
    lowest, highest : float
        Edges of the bank, in Hz.
    device : torch.device
        Where it runs.
    """

    def __init__(self, fused: bool, lowest: float, highest: float, device: torch.device):
        # In double precision, as in the original; MPS has no other than single.
        self._dtype = torch.float32 if device.type == "mps" else torch.float64
        filters = mel_filters(
            N_BANDS,
            FFT_LENGTH,
            RATE,
            "htk" if fused else "slaney",
            lowest=lowest,
            highest=highest,
            equal_area=not fused,
        )
        self._filters = filters.T.contiguous().to(device, self._dtype)
        window = torch.hann_window(FFT_LENGTH, dtype=torch.float64)
        self.window = window.to(device, self._dtype)

    def __call__(self, windows: Tensor) -> Tensor:
        """Map (n, n_samples) of up to ten seconds to (n, 64, 1001), float32.

        Shorter ones are repeated as often as they fit whole, and silence follows.
        """
        parts = windows.split(_WINDOWS_AT_ONCE)
        return torch.cat([self._transform(fill_window(part)) for part in parts])

    def _transform(self, windows: Tensor) -> Tensor:
        mirrored = mirror_ends(windows.to(self._dtype))
        spectra = torch.fft.rfft(mirrored.unfold(1, FFT_LENGTH, HOP_LENGTH) * self.window)
        # Several times as fast as the modulus of complex numbers, which guards against overflow.
        real, imaginary = spectra.real, spectra.imag
        return self.to_levels(torch.addcmul(real * real, imaginary, imaginary))

    def to_levels(self, power: Tensor) -> Tensor:
        """Map power spectra (n, 1001, 513) to (n, 64, 1001), float32."""
        levels = (power @ self._filters).clamp_min_(_FLOOR).log10_().mul_(10)
        return levels.float().transpose(1, 2).contiguous()


def mirror_ends(windows: Tensor) -> Tensor:
    """Add half a frame to both ends of windows (n, n_samples), of which frames are centred."""
    margin = FFT_LENGTH // 2
    return pad(windows[:, None], (margin, margin), "reflect")[:, 0]


def fill_window(waveforms: Tensor) -> Tensor:
    """Make windows of ten seconds of waveforms (n, n_samples) that are not longer."""
    n_samples = waveforms.shape[1]
    repeated = waveforms.repeat(1, WINDOW_LENGTH // n_samples)
    return pad(repeated, (0, WINDOW_LENGTH - repeated.shape[1]))
