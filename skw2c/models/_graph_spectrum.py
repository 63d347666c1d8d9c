"""Power spectra in an operation that a graph can hold."""

from __future__ import annotations

import torch
from torch import Tensor

from ._graph_sizes import larger


def power_spectra(waveforms: Tensor, window: Tensor, hop: int) -> Tensor:
    """Power spectra (n, columns, bins) of all complete frames of waveforms (n, n_samples)."""
    spectra = torch.stft(
        waveforms, len(window), hop, window=window, center=False, return_complex=True
    )
    # Turned first: right before a matrix product, ONNX Runtime up to 1.25 makes one operation of
    # both, which it does not have in double precision.
    return torch.view_as_real(spectra).transpose(1, 2).square().sum(-1)


def lengthen(waveforms: Tensor, n_samples: int) -> Tensor:
    """Add zeros to waveforms (..., n) that are shorter than so many samples."""
    lacking = larger(n_samples - waveforms.shape[-1], 0)
    return torch.nn.functional.pad(waveforms, (0, lacking))
