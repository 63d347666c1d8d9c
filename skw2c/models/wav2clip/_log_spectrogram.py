"""The front end of Wav2CLIP: log power spectrogram, standardised clip by clip."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

N_FFT = 512
HOP_LENGTH = 353
SHORTEST = N_FFT // 2 + 1
"""Fewest samples that the reflecting border of the spectrogram can be made of."""

LOG_OFFSET = 1e-7
# The original adds 1e-9 to the deviation, which turns the rounding errors of a silent
# clip into an input of several thousand.
_SMALLEST_DEVIATION = 1e-5


class LogSpectrogram(nn.Module):
    """Natural logarithm of the power spectrogram, as torchaudio's ``Spectrogram`` gives it.

    Periodic Hann window of 512 samples, hop of 353, linear frequencies, reflecting
    borders. The hop is the overlap of the VGGSound baseline read as a hop; the released
    weights are trained with it.
    """

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hann_window(N_FFT))

    def forward(self, waveforms: Tensor, center: bool = True) -> Tensor:
        """Transform (..., n_samples) to (..., 257, 1 + n_samples // 353)."""
        return torch.log(self.power(waveforms, center) + LOG_OFFSET)

    def power(self, waveforms: Tensor, center: bool = True) -> Tensor:
        """Power spectrogram of the shape that `forward` gives."""
        spectrum = torch.stft(
            waveforms.reshape(-1, waveforms.shape[-1]),
            N_FFT,
            HOP_LENGTH,
            window=self.window,
            center=center,
            pad_mode="reflect",
            return_complex=True,
        )
        power = torch.view_as_real(spectrum).square().sum(-1)
        return power.reshape(*waveforms.shape[:-1], *power.shape[1:])


def standardise_clips(spectrograms: Tensor) -> Tensor:
    """Standardise each of (batch, bins, columns) by its own mean and deviation.

    What `Statistics` does with one clip, for a batch and without leaving the device.
    """
    variance, mean = torch.var_mean(spectrograms, dim=(1, 2), keepdim=True)
    return (spectrograms - mean) / variance.sqrt().clamp(min=_SMALLEST_DEVIATION)


def standardise_exactly(spectrograms: Tensor) -> Tensor:
    """Standardise each clip of (batch, n_frames, bins, columns), all of its frames together.

    What `Statistics` does with one clip, in double precision as there.
    """
    exact = spectrograms.double()
    centred = exact - exact.mean((1, 2, 3), keepdim=True)
    spread = centred.square().sum((1, 2, 3), keepdim=True)
    count = torch.ones_like(exact).sum((1, 2, 3), keepdim=True)
    deviation = (spread / (count - 1)).sqrt().clamp(min=_SMALLEST_DEVIATION)
    return (centred / deviation).float()


@dataclass
class Statistics:
    """Mean and deviation of all values of one clip, gathered part by part.

    Sums are kept in double precision, so that the parts in which a long clip comes do
    not show in the result.
    """

    count: int = 0
    total: float = 0.0
    total_of_squares: float = 0.0

    def update(self, values: Tensor) -> Statistics:
        # MPS has no double precision.
        values = (values.cpu() if values.device.type == "mps" else values).double()
        self.count += values.numel()
        self.total += float(values.sum())
        self.total_of_squares += float(values.square().sum())
        return self

    def standardise(self, values: Tensor) -> Tensor:
        """Subtract the mean and divide by the (unbiased) standard deviation."""
        mean = self.total / self.count
        spread = max(self.total_of_squares - self.count * mean**2, 0.0)
        deviation = (spread / max(self.count - 1, 1)) ** 0.5
        return (values - mean) / max(deviation, _SMALLEST_DEVIATION)
