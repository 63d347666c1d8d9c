"""The log-mel spectrogram of EfficientAT."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from .._graph_spectrum import power_spectra

RATE = 32000
HOP_LENGTH = 320
N_BANDS = 128
SHORTEST = 514
"""Samples of the shortest sound that the original program takes."""

COLUMNS_AT_ONCE = 1000
"""Frames overlap: their transforms take 16 MB for so many columns, ten seconds."""

_FFT_LENGTH, _FRAME_LENGTH = 1024, 800
_BEYOND = _FFT_LENGTH - _FRAME_LENGTH
_GROUPS = 4
_HIGHEST = 15000.0
_PRE_EMPHASIS = 0.97
_LOG_OFFSET = 1e-5
_SHIFT, _SCALE = 4.5, 5.0


def hann_window() -> np.ndarray:
    """The symmetric Hann window of a frame, (800,)."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME_LENGTH) / (_FRAME_LENGTH - 1))


def mel_matrix() -> np.ndarray:
    """Weight of each FFT bin in each band, (128, 513), as Kaldi has it.

    The triangles are straight on the mel scale, not in Hz, and have the peak 1. The last bin
    counts nowhere.
    """
    bins = _to_mel(np.arange(_FFT_LENGTH // 2) * RATE / _FFT_LENGTH)
    edges = np.linspace(0, _to_mel(_HIGHEST), N_BANDS + 2)[:, None]
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - lower) / (centre - lower)
    falling = (upper - bins) / (upper - centre)
    return np.pad(np.maximum(0, np.minimum(rising, falling)), ((0, 0), (0, 1)))


def _to_mel(hertz):
    return 1127 * np.log1p(np.asarray(hertz) / 700)


def count_columns(n_samples: int) -> int:
    """Columns of the spectrogram of a sound."""
    return 1 + (n_samples - 1) // HOP_LENGTH


class LogMel(nn.Module):
    """Compute the log-mel spectrogram of sounds at 32 kHz.

    It has no weights, and adds no entries to those of a network that it is a part of.
    """

    window: Tensor

    def __init__(self):
        super().__init__()
        # A frame of 800 samples and zeros to 1024 is a frame of 1024 under a window that ends
        # with zeros.
        self._keep("window", np.pad(hann_window(), (0, _BEYOND)))
        self._bins: list[slice] = []
        for bins, weights in _group_bands(mel_matrix()):
            self._keep(f"weights{len(self._bins)}", weights)
            self._bins.append(bins)

    def _keep(self, name: str, values: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(values).float(), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Map (n, n_samples) to (n, 128, 1 + (n_samples - 1) // 320).

        There must be 514 samples at least. Single precision is enough: what rounding leaves in
        silent bands is small beside the offset of the logarithm.
        """
        frames = _emphasise(waveforms).unfold(1, _FFT_LENGTH, HOP_LENGTH)
        parts = [self._to_bands(part) for part in frames.split(COLUMNS_AT_ONCE, 1)]
        return torch.cat(parts, 1).transpose(1, 2)

    def whole(self, waveforms: Tensor) -> Tensor:
        """What `forward` gives, in one piece and in operations that a graph can hold."""
        emphasised, window = _emphasise(waveforms).double(), self.window.double()
        return self._sum_up(power_spectra(emphasised, window, HOP_LENGTH).float()).transpose(1, 2)

    def _to_bands(self, frames: Tensor) -> Tensor:
        """Map (n, columns, 1024) to (n, columns, 128)."""
        spectra = torch.fft.rfft(frames * self.window)
        # Several times as fast as the modulus of complex numbers, which guards against overflow.
        real, imaginary = spectra.real, spectra.imag
        return self._sum_up(torch.addcmul(real * real, imaginary, imaginary))

    def _sum_up(self, power: Tensor) -> Tensor:
        """Map power spectra (n, columns, 513) to (n, columns, 128)."""
        groups = (getattr(self, f"weights{k}") for k in range(len(self._bins)))
        parts = [power[..., own] @ weights for own, weights in zip(self._bins, groups, strict=True)]
        bands = torch.cat(parts, 2)
        return bands.add_(_LOG_OFFSET).log_().add_(_SHIFT).div_(_SCALE)


def _emphasise(waveforms: Tensor) -> Tensor:
    """Emphasise high frequencies, and add what frames need at both ends, which are centred.

    The original program mirrors half a transform of samples and has the window in the middle of
    it: the power is the same.
    """
    emphasised = waveforms[:, 1:] - _PRE_EMPHASIS * waveforms[:, :-1]
    padded = pad(emphasised, (_FRAME_LENGTH // 2,) * 2, "reflect")
    return pad(padded, (0, _BEYOND))


def _group_bands(matrix: np.ndarray) -> list[tuple[slice, np.ndarray]]:
    """Split bands into groups, each with the bins that it needs: a quarter of the products."""
    groups = []
    for part in np.split(matrix, _GROUPS):
        used = np.flatnonzero(part.any(axis=0))
        bins = slice(used[0], used[-1] + 1)
        groups.append((bins, part[:, bins].T.copy()))
    return groups
