"""Wav2CLIP on a clip that comes in blocks: its spectrogram, and the mean of its feature map."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from .._streaming import join_blocks, stream_maps
from ._log_spectrogram import HOP_LENGTH, N_FFT, LogSpectrogram

CORE_COLUMNS = 5120
"""Columns by which the convolutions advance on a long clip (113 seconds)."""

_BORDER = N_FFT // 2


def stream_spectrogram(blocks: Iterable[np.ndarray], front_end: LogSpectrogram) -> Iterator[Tensor]:
    """Yield the columns that ``front_end`` gives for the joined blocks, (257, k) each."""
    device = front_end.get_buffer("window").device
    kept = np.empty(0, np.float32)
    for number, block in enumerate(join_blocks(blocks)):
        kept = np.concatenate([kept if number else _reflect_start(block), block])
        # The last samples are held back: the end of the clip is reflected around them.
        n_columns = (len(kept) - N_FFT - _BORDER) // HOP_LENGTH
        if n_columns > 0:
            ready = kept[: (n_columns - 1) * HOP_LENGTH + N_FFT]
            yield front_end(torch.from_numpy(ready).to(device), center=False)
            kept = kept[n_columns * HOP_LENGTH :]
    kept = np.concatenate([kept, kept[-_BORDER - 1 : -1][::-1]])
    yield front_end(torch.from_numpy(kept).to(device), center=False)


def _reflect_start(block: np.ndarray) -> np.ndarray:
    return block[1 : _BORDER + 1][::-1]


def stream_features(
    columns: Iterable[Tensor],
    feature_map: Callable[[Tensor], Tensor],
    *,
    stride: int,
    reach: int,
) -> Tensor:
    """Average the feature map of a clip whose spectrogram comes in parts.

    Parameters
    ----------
    columns : iterable of Tensor of shape (bins, k)
        Standardised spectrogram.
    feature_map : callable
        From (1, 1, bins, columns) to (1, features, height, columns / stride).
    stride, reach : int
        Geometry of ``feature_map``, in columns.

    Returns
    -------
    Tensor of shape (features,), float32
    """
    total, count = torch.zeros((), dtype=torch.float64), 0

    def whole_map(part: Tensor) -> Tensor:
        return feature_map(part[None, None])[0]

    for valid in stream_maps(columns, whole_map, stride=stride, reach=reach, core=CORE_COLUMNS):
        total = total + valid.cpu().sum((1, 2), dtype=torch.float64)
        count += valid.shape[1] * valid.shape[2]
    return (total / count).float()
