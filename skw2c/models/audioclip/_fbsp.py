"""The time-frequency layer of AudioCLIP: wavelets whose shapes are learned."""

from __future__ import annotations

import math
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn
from torch.nn import functional

N_FFT = 2048
WINDOW_LENGTH = 1654
HOP_LENGTH = 561
N_BANDS = 3
BAND_BINS = (N_FFT // 2 + 1) // N_BANDS

_MARGIN = (N_FFT - WINDOW_LENGTH) // 2
_TINY = 1e-8
_SMALLEST_POWER = 1e-18


def count_columns(n_samples: int) -> int:
    """Columns of the spectrogram of a waveform."""
    return 1 + max(-(-(n_samples - WINDOW_LENGTH) // HOP_LENGTH), 0)


def pad_widths(n_samples: int) -> tuple[int, int]:
    """Zeros before and after a waveform, so that the last column is complete."""
    n_missing = (count_columns(n_samples) - 1) * HOP_LENGTH + WINDOW_LENGTH - n_samples
    return n_missing // 2, n_missing - n_missing // 2


def rescale(waveforms: Tensor, legacy: bool = False) -> Tensor:
    """Scale samples in [-1, 1] to what the network takes, as the original program does.

    It maps the range of 16-bit integers, which is not symmetric, onto [-1, 1], so that
    silence becomes 1.5e-5. The order of the operations is the original's: each rounds.

    Parameters
    ----------
    waveforms : Tensor
        Samples in [-1, 1].
    legacy : bool, default=False
        Whether to take them for samples in the range of 16-bit integers.
    """
    samples = waveforms if legacy else waveforms * 32768.0
    return (samples + 32768.0) * 2.0 / 65535.0 - 1.0


def cut_columns(waveforms: Tensor) -> Tensor:
    """Cut rescaled waveforms (batch, n_samples) into (batch, columns, WINDOW_LENGTH)."""
    padded = functional.pad(waveforms, pad_widths(waveforms.shape[-1]))
    return padded.unfold(-1, WINDOW_LENGTH, HOP_LENGTH)


def blackman_harris() -> Tensor:
    """The periodic window of Blackman and Harris, (WINDOW_LENGTH,) float32."""
    angles = torch.arange(WINDOW_LENGTH, dtype=torch.float64) * (2 * math.pi / WINDOW_LENGTH)
    terms = (0.35875, -0.48829, 0.14128, -0.01168)
    return reduce(add, (a * torch.cos(k * angles) for k, a in enumerate(terms))).float()


def project(wavelets: Tensor, window: Tensor) -> Tensor:
    """The matrix that turns a column of samples into its spectrum.

    Parameters
    ----------
    wavelets : Tensor of shape (2, n_filters, N_FFT)
        What `LinearFBSP.wavelets` gives.
    window : Tensor of shape (WINDOW_LENGTH,)

    Returns
    -------
    Tensor of shape (WINDOW_LENGTH, 2 * N_BANDS * BAND_BINS)
        Real parts before imaginary parts; the last two filters have no place in a band.
    """
    # The original pads the windowed samples with zeros to the length of the wavelets.
    used = wavelets[:, : N_BANDS * BAND_BINS, _MARGIN : _MARGIN + WINDOW_LENGTH] * window
    return used.flatten(0, 1).T


def to_decibels(columns: Tensor, projection: Tensor) -> Tensor:
    """Power of columns (..., k, WINDOW_LENGTH) in dB, (..., N_BANDS, BAND_BINS, k)."""
    real, imaginary = (columns @ projection).chunk(2, -1)
    power = real.square() + imaginary.square()
    power = torch.where(power > 0, power, _SMALLEST_POWER)
    return (10 * power.log10()).unflatten(-1, (N_BANDS, BAND_BINS)).movedim(-3, -1)


class LinearFBSP(nn.Module):
    """Complex frequency B-spline wavelets (Guzhov et al., arXiv 2104.11587).

    Wavelet i is ``sqrt(fb) * sinc(fb * t / m) ** m * exp(-j * fc * t)`` with the parameters
    ``m``, ``fb`` and ``fc`` of i. The untrained ones are those of a Fourier transform.

    Parameters
    ----------
    n_filters : int, default=1025
        Number of wavelets.
    """

    times: Tensor

    def __init__(self, n_filters: int = N_FFT // 2 + 1):
        super().__init__()
        self.m = nn.Parameter(torch.zeros(n_filters, dtype=torch.float32))
        self.fb = nn.Parameter(torch.ones(n_filters, dtype=torch.float32))
        self.fc = nn.Parameter(torch.arange(n_filters, dtype=torch.float32))
        # The original has an empty parameter for a bias that is not used.
        self.register_buffer("bias", torch.zeros(0, dtype=torch.float32))
        times = math.pi * torch.linspace(-1, 1, N_FFT, dtype=torch.float32) + _TINY
        self.register_buffer("times", times, persistent=False)
        self._trained: Tensor | None = None

    def forward(self) -> Tensor:
        """Compute the wavelets: (2, n_filters, N_FFT), real and imaginary parts.

        They are computed in single precision and in the order of the original program on
        purpose. The phases, up to 3200, lose four digits there, which is heard as a floor
        some 110 dB below the loudest bin: the network was trained with it, and in silence
        nothing else is left.

        While the module is trained, the gradients of its parameters are divided by their
        largest absolute value.
        """
        wavelets = self._compute(*map(_UnitGradient.apply, (self.m, self.fb, self.fc)))
        self._trained = wavelets if self.training else None
        return wavelets

    def loss(self) -> Tensor:
        """Mean squared distance of the wavelets' lengths from 1.

        They are those of the last call, so that one gradient comes from both.
        """
        wavelets = self() if self._trained is None else self._trained
        return (wavelets.square().sum((0, 2)).sqrt() - 1).square().mean()

    def _compute(self, m: Tensor, fb: Tensor, fc: Tensor) -> Tensor:
        m, fb, fc = m[:, None], fb[:, None], fc[:, None]
        envelope = _sinc(fb * self.times / (m + _TINY))
        # The principal power of a negative number is complex.
        turn = torch.where(envelope < 0, math.pi, 0.0) * m
        size = envelope.abs().pow(m)
        envelope_real, envelope_imaginary = size * turn.cos(), size * turn.sin()
        phase = fc * self.times
        cosine, sine = phase.cos(), phase.sin()
        real = envelope_real * cosine + envelope_imaginary * sine
        imaginary = envelope_imaginary * cosine - envelope_real * sine
        return fb.sqrt() * torch.stack([real, imaginary]) / N_FFT**0.5

    def __getstate__(self) -> dict:
        # What is left of the last step cannot be copied, and is of no use to a copy.
        return {**self.__dict__, "_trained": None}


def _sinc(x: Tensor) -> Tensor:
    # A number that is not zero in both branches keeps the gradient finite.
    safe = torch.where(x == 0, 1.0, x)
    return torch.where(x == 0, 1.0, safe.sin() / safe)


class _UnitGradient(torch.autograd.Function):
    """The same number; on the way back, the gradient divided by its largest value."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient / (gradient.abs().max() + _TINY)
