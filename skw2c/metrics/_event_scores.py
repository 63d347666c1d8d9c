"""Metrics of sound event detection, by segments of time."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_scalar

from ..system._warning import warn_caller

_MILLISECONDS = 1000


def segment_f1(reference, estimated, labels, duration, time_resolution=0.1, *, zero_division=0.0):
    """Compute the segment-based F1 score of sound event detection [1]_, as sed_eval does.

    Each clip is cut into segments of equal length. A label is active in a segment if any event
    of that label overlaps it.

    Parameters
    ----------
    reference : DataFrame
        The true events: columns ``row`` (index of the clip, int), ``label``, ``onset`` and
        ``offset`` (seconds from the start of the clip).
    estimated : DataFrame
        The detected events, with the same columns; for example as returned by
        :meth:`skw2c.ZeroShotClassifier.predict_events`.
    labels : sequence of str or int
        All labels.
    duration : float or array-like of shape (n_clips,)
        Length of each clip in seconds, including clips without events. Parts of events after
        the last segment of their clip are ignored.
    time_resolution : float, default=0.1
        Length of a segment in seconds, a whole number of milliseconds.
    zero_division : {0.0, nan}, default=0.0
        Precision of a label that is never detected. With NaN, the label is left out of the
        means over labels, which then increase when a system never tries a difficult label. In
        sed_eval, 0.0 is called ``empty_system_output_handling="zero_score"``, and NaN is the
        default.

    Returns
    -------
    scores : dict
        ``"micro"``: dict of ``"f1"``, ``"precision"`` and ``"recall"`` over all segments and
        labels together.
        ``"macro"``: dict of the same scores, averaged over the labels, ignoring NaN.
        ``"per_class"``: DataFrame with the labels as its index and the columns ``f1``,
        ``precision``, ``recall``, ``n_reference``, ``n_estimated`` and ``n_correct``. The last
        three are numbers of segments.

    Raises
    ------
    ValueError
        If columns are missing; an event has an unknown label or clip, ends before it starts,
        starts before its clip, or lacks a time; or ``time_resolution`` is not a whole number
        of milliseconds.

    Warns
    -----
    UndefinedMetricWarning
        If a label does not have any true events: its recall and F1 are NaN, and the means
        ignore them.

    Notes
    -----
    Times are first rounded to milliseconds. An event then covers all segments from the one in
    which it starts to the one in which it ends. sed_eval does not round, so that 0.3 divided
    by 0.1 is less than 3, and some edges fall into the segment before or after.

    Segments in which a label is neither true nor detected do not count, so the number of clips
    does not matter.

    References
    ----------
    .. [1] A. Mesaros, T. Heittola and T. Virtanen, "Metrics for polyphonic sound event
       detection", Applied Sciences 6(6), 2016.

    Examples
    --------
    >>> import pandas as pd
    >>> from skw2c.metrics import segment_f1
    >>> columns = ["row", "label", "onset", "offset"]
    >>> truth = pd.DataFrame([(0, "dog", 1.0, 2.0), (1, "cat", 0.0, 1.0)], columns=columns)
    >>> found = pd.DataFrame([(0, "dog", 1.5, 2.5), (1, "cat", 0.0, 1.0)], columns=columns)
    >>> scores = segment_f1(truth, found, ["dog", "cat"], duration=10.0)
    >>> scores["micro"]
    {'f1': 0.75, 'precision': 0.75, 'recall': 0.75}
    >>> scores["per_class"]["f1"].tolist()
    [0.5, 1.0]
    """
    import pandas as pd

    check_scalar(zero_division, "zero_division", Real)
    if zero_division == zero_division and zero_division != 0:
        raise ValueError(f"got zero_division={zero_division!r}, expected 0.0 or nan")
    columns = _number_labels(labels)
    step = _to_step(time_resolution)
    n_segments = _count_segments(duration, step)
    reference = _list_events(reference, "reference", columns, n_segments, step)
    estimated = _list_events(estimated, "estimated", columns, n_segments, step)
    counts = _count(reference, estimated, len(columns))
    table = pd.DataFrame(
        {
            **_rate(*counts, zero_division=zero_division),
            **dict(zip(("n_reference", "n_estimated", "n_correct"), counts, strict=True)),
        },
        index=pd.Index(list(columns), name="label"),
    )
    _warn_of_labels_without_events(table)
    names = ["f1", "precision", "recall"]
    totals = (number.sum(keepdims=True) for number in counts)
    micro = _rate(*totals, zero_division=zero_division)
    return {
        "micro": {name: float(micro[name][0]) for name in names},
        "macro": {name: float(table[name].mean()) for name in names},
        "per_class": table,
    }


def _number_labels(labels) -> dict:
    if isinstance(labels, str):
        raise ValueError(f"labels is the single string {labels!r}, expected a list: [{labels!r}]")
    labels = list(labels)
    columns = {label: column for column, label in enumerate(labels)}
    if len(columns) != len(labels) or not labels:
        raise ValueError(f"got labels={labels}, expected one or more labels, each of them once")
    return columns


def _to_step(time_resolution: float) -> int:
    """The length of a segment in milliseconds."""
    check_scalar(time_resolution, "time_resolution", Real)
    exact = time_resolution * _MILLISECONDS
    if not exact >= 0.5 or abs(exact - round(exact)) > 1e-6:
        raise ValueError(
            f"got time_resolution={time_resolution!r} seconds, expected a whole number of "
            "milliseconds, to which times are rounded"
        )
    return round(exact)


def _to_milliseconds(seconds: np.ndarray) -> np.ndarray:
    return np.rint(seconds * _MILLISECONDS).astype(np.int64)


def _count_segments(duration, step: int) -> np.ndarray:
    """The number of segments of each clip; a 0-d array if it is the same for all clips."""
    duration = np.asarray(duration, dtype=np.float64)
    if duration.ndim > 1 or not np.isfinite(duration).all() or (duration < 0).any():
        raise ValueError(
            f"got duration={duration.tolist()!r:.80}, expected seconds, or seconds for each clip, "
            "none of them negative, infinite or NaN"
        )
    # Rounded up: the last segment of a clip may be incomplete.
    return -(-_to_milliseconds(duration) // step)


def _list_events(events, name: str, columns: dict, n_segments: np.ndarray, step: int) -> np.ndarray:
    """Clip, label, first segment and end of each event: (n_events, 4), int."""
    missing = [column for column in ("row", "label", "onset", "offset") if column not in events]
    if missing:
        raise ValueError(f"{name} lacks the columns {missing}")
    rows = _check_rows(events["row"], name, n_segments)
    unknown = [label for label in events["label"] if label not in columns]
    if unknown:
        raise ValueError(f"{name} has the label {unknown[0]!r}, which is not one of labels")
    onsets, offsets = (events[side].to_numpy(np.float64) for side in ("onset", "offset"))
    wrong = np.flatnonzero(~((onsets >= 0) & (offsets >= onsets) & np.isfinite(offsets)))
    if wrong.size:
        event = wrong[0]
        raise ValueError(
            f"event {event} of {name} lasts from {onsets[event]} to {offsets[event]} seconds: an "
            "event must start at 0 or later, and must not end before it starts"
        )
    ends = n_segments if n_segments.ndim == 0 else n_segments[rows]
    first = np.minimum(_to_milliseconds(onsets) // step, ends)
    end = np.minimum(-(-_to_milliseconds(offsets) // step), ends)
    labels = np.array([columns[label] for label in events["label"]], dtype=np.int64)
    return np.stack([rows, labels, first, end], axis=1)


def _check_rows(rows, name: str, n_segments: np.ndarray) -> np.ndarray:
    limit = len(n_segments) if n_segments.ndim else np.inf
    wrong = [row for row in rows if not isinstance(row, Integral) or not 0 <= int(row) < limit]
    if wrong:
        clips = f"from 0 to {limit - 1}" if n_segments.ndim else "from 0"
        raise ValueError(
            f"{name} has an event in row {wrong[0]!r}, expected the index of a clip, a whole "
            f"number {clips}"
        )
    return np.array(rows, dtype=np.int64)


def _count(reference: np.ndarray, estimated: np.ndarray, n_labels: int) -> tuple[np.ndarray, ...]:
    """The number of segments of each label that are true, detected, and both."""
    n_reference, n_estimated, n_correct = np.zeros((3, n_labels), dtype=np.int64)
    for row in np.union1d(reference[:, 0], estimated[:, 0]):
        of_clip = [events[events[:, 0] == row] for events in (reference, estimated)]
        n_segments = max(events[:, 3].max(initial=0) for events in of_clip)
        true, detected = (_to_activity(events, n_segments, n_labels) for events in of_clip)
        n_reference += true.sum(axis=0)
        n_estimated += detected.sum(axis=0)
        n_correct += (true & detected).sum(axis=0)
    return n_reference, n_estimated, n_correct


def _to_activity(events: np.ndarray, n_segments: int, n_labels: int) -> np.ndarray:
    """The labels that are active in each segment: (n_segments, n_labels), bool."""
    active = np.zeros((n_segments, n_labels), dtype=bool)
    for _, label, first, end in events:
        active[first:end, label] = True
    return active


def _rate(n_reference, n_estimated, n_correct, *, zero_division: float) -> dict[str, np.ndarray]:
    with np.errstate(invalid="ignore"):
        precision = np.where(n_estimated == 0, zero_division, n_correct / n_estimated)
        recall = n_correct / n_reference  # NaN without true events
        f1 = 2 * precision * recall / (precision + recall)
    f1 = np.where((precision == 0) & (recall == 0), 0.0, f1)
    return {"f1": f1, "precision": precision, "recall": recall}


def _warn_of_labels_without_events(table) -> None:
    without = table.index[table["n_reference"] == 0].tolist()
    if without:
        warn_caller(
            f"{len(without)} of {len(table)} labels do not have any true events, for example "
            f"{without[0]!r}: their recall and F1 are NaN, and the means ignore them",
            UndefinedMetricWarning,
        )
