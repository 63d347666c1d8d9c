"""The bands that a spectrogram with linear frequencies is averaged in."""

from __future__ import annotations

import numpy as np

_LOWEST = 50.0


def mel_bands(n_bands: int, n_bins: int, highest: float) -> np.ndarray:
    """Weight of each bin in each band, (n_bands, n_bins); those of a band add up to 1.

    The bands are triangles of equal width on the mel scale, from 50 Hz on. Where they would be
    narrower than the distance between bins, they interpolate between two.

    Parameters
    ----------
    n_bands, n_bins : int
    highest : float
        Frequency of the last bin, in Hz.
    """
    bins = np.linspace(0, highest, n_bins)
    mels = np.linspace(_to_mel(_LOWEST), _to_mel(highest), n_bands + 2)
    edges = 700 * np.expm1(mels / 1127)
    centres = edges[1:-1, None]
    lower = np.maximum(centres - edges[:-2, None], bins[1])
    upper = np.maximum(edges[2:, None] - centres, bins[1])
    distances = bins - centres
    weights = np.maximum(1 - np.where(distances < 0, -distances / lower, distances / upper), 0)
    return weights / weights.sum(axis=1, keepdims=True)


def _to_mel(hertz: float) -> float:
    return 1127 * np.log1p(hertz / 700)
