"""Compute on a clip that comes in blocks what would be computed on it whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ._arrays import concatenate

# Blocks of decoders can be a few milliseconds long, and each would cost a call of the network.
_JOINED_SAMPLES = 1 << 18


def join_blocks(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Join small blocks to blocks of some 260,000 samples, about 16 seconds at 16 kHz."""
    parts, n_samples = [], 0
    for block in blocks:
        parts.append(block)
        n_samples += len(block)
        if n_samples >= _JOINED_SAMPLES:
            yield np.concatenate(parts)
            parts, n_samples = [], 0
    if parts:
        yield np.concatenate(parts)


def stream_maps(
    columns: Iterable[Any],
    feature_map: Callable[[Any], Any],
    *,
    stride: int,
    reach: int,
    core: int,
) -> Iterator[Any]:
    """Yield the feature map of a clip part by part, whose spectrogram comes in parts.

    Each part is computed with as many columns of context on either side as one column
    of the feature map depends on (``reach``), and only what is not touched by an
    artificial border is yielded. Parts start at multiples of ``stride``, so the columns
    of the map are those of the whole.

    Parameters
    ----------
    columns : iterable of Tensor or ndarray of shape (..., k)
        Spectrogram.
    feature_map : callable
        From (..., columns) to (..., columns / stride).
    stride, reach : int
        Geometry of ``feature_map``, in columns.
    core : int
        Columns by which it advances, a multiple of ``stride``.
    """
    margin = -(-reach // stride) * stride
    core = max(core, margin)
    left, pending = 0, []
    for new in columns:
        pending.append(new)
        while sum(part.shape[-1] for part in pending) > left + core + margin:
            joined = concatenate(pending, -1)
            end = left + core
            yield feature_map(joined[..., : end + margin])[..., left // stride : end // stride]
            left, pending = margin, [joined[..., end - margin :]]
    yield feature_map(concatenate(pending, -1))[..., left // stride :]
