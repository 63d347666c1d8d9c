"""Clips as the part that an index grows by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.utils import _safe_indexing

from ..transformers._frame_vectors import embed_frames, frame_times_of
from ..transformers._rows import to_unit_length
from ._folder import IndexPart
from ._sources import Job


def pick(X, rows: list, wanted: list[int]):
    """Some rows of X; X itself where that is all of it."""
    if wanted == list(range(len(rows))):
        return X
    return _safe_indexing(X, wanted) if hasattr(X, "columns") else [rows[row] for row in wanted]


def embed_part(
    encoder, clips, jobs: list[Job], mode: str, check: Callable[[np.ndarray], np.ndarray]
) -> tuple[IndexPart | None, list]:
    """Embed clips as a part of an index.

    Parameters
    ----------
    encoder : transformer
        Fitted.
    clips : collection of clips
    jobs : list of Job
        Name and source of each clip.
    mode : {"clip", "frame"}
        Whether each clip has one vector, or one for each of its windows.
    check : callable
        Refuses vectors (n_vectors, width) that do not fit the index.

    Returns
    -------
    part : IndexPart or None
        None if all clips failed.
    failed : list
        Names of the clips that failed.
    """
    framed = mode == "frame"
    vectors, durations = embed_frames(encoder, clips) if framed else _embed(encoder, clips)
    counts = np.array([len(frames) if framed else 1 for frames in vectors])
    if len(counts) != len(jobs):
        raise ValueError(f"The encoder returned {len(counts)} rows for {len(jobs)} clips")
    flat = np.concatenate(list(vectors)) if framed else vectors
    unit = to_unit_length(check(as_floats(flat))).astype(np.float32, copy=False)
    good = _find_good(unit, counts)
    failed = [job.name for job, is_good in zip(jobs, good, strict=True) if not is_good]
    if not good.any():
        return None, failed
    names, sources = [job.name for job in jobs], [job.source for job in jobs]
    part = IndexPart(unit, names, counts, sources=sources)
    part = part if good.all() else part.select(good)
    if framed:
        part.times = _find_times(encoder, counts[good], durations[good])
    return part, failed


def as_floats(vectors) -> np.ndarray:
    """Vectors as floats of at least 32 bits."""
    vectors = vectors.toarray() if hasattr(vectors, "toarray") else np.asarray(vectors)
    return vectors.astype(np.result_type(vectors.dtype, np.float32), copy=False)


def _embed(encoder, clips):
    vectors = encoder.transform(clips)
    return vectors, np.full(vectors.shape[0], np.inf)


def _find_good(unit: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Which clips have no vector with NaN."""
    owners = np.repeat(np.arange(len(counts)), counts)
    good = np.ones(len(counts), dtype=bool)
    good[owners[~np.isfinite(unit).all(axis=1)]] = False
    return good


def _find_times(encoder, counts: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """Start and end of all windows, none of which ends after its clip does."""
    spans = [
        np.clip(frame_times_of(encoder, count, duration), 0, duration)
        for count, duration in zip(counts, durations, strict=True)
    ]
    return np.concatenate(spans)
