"""Clips as the part that an index grows by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.utils import _safe_indexing

from ..audio._facts import read_facts
from ..exceptions import AudioError, OptionalDependencyError
from ..transformers._frame_vectors import embed_as_array, embed_frames, frame_times_of
from ..transformers._rows import to_unit_length
from ._clip_table import ClipTable
from ._part import IndexPart
from ._sources import Job, Source

_LONGEST = 1e8  # seconds; a header that says more is wrong


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
    unit, counts = unit if good.all() else unit[np.repeat(good, counts)], counts[good]
    jobs = [job for job, is_good in zip(jobs, good, strict=True) if is_good]
    times = _find_times(encoder, counts, durations[good]) if framed else None
    names, sources = [job.name for job in jobs], [job.source for job in jobs]
    seconds = _find_seconds(sources, counts, times)
    return IndexPart(unit, ClipTable.from_lists(names, sources, counts, seconds), times), failed


def as_floats(vectors) -> np.ndarray:
    """Vectors as floats of at least 32 bits."""
    vectors = vectors.toarray() if hasattr(vectors, "toarray") else np.asarray(vectors)
    return vectors.astype(np.result_type(vectors.dtype, np.float32), copy=False)


def _embed(encoder, clips):
    vectors = embed_as_array(encoder, clips)
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


def _find_seconds(
    sources: list[Source | None], counts: np.ndarray, times: np.ndarray | None
) -> np.ndarray:
    """Durations of clips: where their windows end, or what their files say; NaN: not known."""
    seconds = np.full(len(counts), np.nan)
    if times is not None:
        some = counts > 0
        seconds[some] = times[np.cumsum(counts)[some] - 1, 1]
        return seconds
    for number, source in enumerate(sources):
        if source is not None:
            seconds[number] = _seconds_of(source.path)
    return seconds


def _seconds_of(path: str) -> float:
    """Duration of a file by its header, or NaN."""
    try:
        duration = read_facts(path).duration
    except (AudioError, OSError, OptionalDependencyError):
        return np.nan
    return np.nan if duration is None or not 0 <= duration <= _LONGEST else duration
