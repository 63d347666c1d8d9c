"""Filter banks on the two mel scales."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# Slaney's scale is linear up to 1000 Hz, 15 mel, and logarithmic from there on.
_SLANEY_HZ_PER_MEL = 200 / 3
_SLANEY_CORNER_HZ, _SLANEY_CORNER_MEL = 1000.0, 15.0
_SLANEY_LOG_STEP = math.log(6.4) / 27


def mel_filters(
    n_mels: int,
    n_fft: int,
    sampling_rate: int,
    scale: str,
    *,
    lowest: float = 0.0,
    highest: float | None = None,
    equal_area: bool = True,
) -> Tensor:
    """Triangular filters, whose centres are equally spaced on a mel scale.

    Parameters
    ----------
    n_mels : int
        Number of filters. Where they are many, those of the lowest frequencies can fall
        between two bins and be zero.
    n_fft : int
        Length of the Fourier transform.
    sampling_rate : int
        In Hz.
    scale : {"htk", "slaney"}
        Which mel scale that is.
    lowest, highest : float
        Where the first one begins and the last one ends, in Hz; by default 0 and half the
        sampling rate.
    equal_area : bool, default=True
        Whether they have equal areas; else equal peaks of 1.

    Returns
    -------
    Tensor of shape (n_mels, n_fft // 2 + 1), float64
    """
    to_mel, to_hz = _SCALES[scale]
    edges = torch.tensor([lowest, highest or sampling_rate / 2], dtype=torch.float64)
    first, last = to_mel(edges)
    corners = to_hz(torch.linspace(0, 1, n_mels + 2, dtype=torch.float64) * (last - first) + first)
    low, centre, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * (sampling_rate / n_fft)
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    filters = torch.minimum(rising, falling).clamp_min(0)
    return filters * (2 / (high - low)) if equal_area else filters


def _hz_to_htk(hz: Tensor) -> Tensor:
    return 2595 * torch.log10(1 + hz / 700)


def _htk_to_hz(mel: Tensor) -> Tensor:
    return 700 * (10 ** (mel / 2595) - 1)


def _hz_to_slaney(hz: Tensor) -> Tensor:
    above = hz.clamp_min(_SLANEY_CORNER_HZ) / _SLANEY_CORNER_HZ
    return hz.clamp_max(_SLANEY_CORNER_HZ) / _SLANEY_HZ_PER_MEL + above.log() / _SLANEY_LOG_STEP


def _slaney_to_hz(mel: Tensor) -> Tensor:
    growth = ((mel - _SLANEY_CORNER_MEL).clamp_min(0) * _SLANEY_LOG_STEP).exp()
    return mel.clamp_max(_SLANEY_CORNER_MEL) * _SLANEY_HZ_PER_MEL * growth


_SCALES = {"htk": (_hz_to_htk, _htk_to_hz), "slaney": (_hz_to_slaney, _slaney_to_hz)}
