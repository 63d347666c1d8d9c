"""The front end of Wav2CLIP: log power spectrogram, standardised clip by clip."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._spectrogram_sizes import HOP_LENGTH, LOG_OFFSET, N_FFT, SMALLEST_DEVIATION


class LogSpectrogram(nn.Module):
    """Natural logarithm of the power spectrogram, as torchaudio's ``Spectrogram`` gives it.

    Periodic Hann window of 512 samples, hop of 353, linear frequencies, reflecting
    borders. The hop is the overlap of the VGGSound baseline read as a hop; the released
    weights are trained with it.
    """

    window: Tensor

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
    return (spectrograms - mean) / variance.sqrt().clamp(min=SMALLEST_DEVIATION)


def standardise_exactly(spectrograms: Tensor) -> Tensor:
    """Standardise each clip of (batch, n_frames, bins, columns), all of its frames together.

    What `Statistics` does with one clip, in double precision as there.
    """
    exact = spectrograms.double()
    centred = exact - exact.mean((1, 2, 3), keepdim=True)
    spread = centred.square().sum((1, 2, 3), keepdim=True)
    count = torch.ones_like(exact).sum((1, 2, 3), keepdim=True)
    deviation = (spread / (count - 1)).sqrt().clamp(min=SMALLEST_DEVIATION)
    return (centred / deviation).float()
