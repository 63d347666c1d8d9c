"""Wav2CLIP on a clip that comes in blocks: its spectrogram, and the mean of its feature map."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .._arrays import to_array
from .._streaming import join_blocks, stream_maps
from ._spectrogram_sizes import HOP_LENGTH, N_FFT

CORE_COLUMNS = 5120
"""Columns by which the convolutions advance on a long clip (113 seconds)."""

_BORDER = N_FFT // 2


def stream_spectrogram(
    blocks: Iterable[np.ndarray], transform: Callable[[np.ndarray], Any]
) -> Iterator[Any]:
    """Yield the columns of the spectrogram of the joined blocks, (257, k) each.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (n_samples,)
    transform : callable
        Makes the spectrogram of a waveform, without borders.
    """
    kept = np.empty(0, np.float32)
    for number, block in enumerate(join_blocks(blocks)):
        kept = np.concatenate([kept if number else _reflect_start(block), block])
        # The last samples are held back: the end of the clip is reflected around them.
        n_columns = (len(kept) - N_FFT - _BORDER) // HOP_LENGTH
        if n_columns > 0:
            yield transform(kept[: (n_columns - 1) * HOP_LENGTH + N_FFT])
            kept = kept[n_columns * HOP_LENGTH :]
    yield transform(np.concatenate([kept, kept[-_BORDER - 1 : -1][::-1]]))


def _reflect_start(block: np.ndarray) -> np.ndarray:
    return block[1 : _BORDER + 1][::-1]


def stream_features(
    columns: Iterable[Any],
    feature_map: Callable[[Any], Any],
    *,
    stride: int,
    reach: int,
) -> np.ndarray:
    """Average the feature map of a clip whose spectrogram comes in parts.

    Parameters
    ----------
    columns : iterable of Tensor or ndarray of shape (bins, k)
        Standardised spectrogram.
    feature_map : callable
        From (1, 1, bins, columns) to (1, features, height, columns / stride).
    stride, reach : int
        Geometry of ``feature_map``, in columns.

    Returns
    -------
    ndarray of shape (features,), float32
    """
    total, count = np.zeros(()), 0

    def whole_map(part: Any) -> Any:
        return feature_map(part[None, None])[0]

    for valid in stream_maps(columns, whole_map, stride=stride, reach=reach, core=CORE_COLUMNS):
        total = total + to_array(valid).sum((1, 2), dtype=np.float64)
        count += valid.shape[1] * valid.shape[2]
    return (total / count).astype(np.float32)
