"""Event metrics: how well sound events are found, in segments of time."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_scalar

from ..system._warning import warn_caller

_MILLISECONDS = 1000


def segment_f1(reference, estimated, labels, n_seconds, time_resolution=0.1, *, zero_division=0.0):
    """Compare sound events in segments of time [1]_, as sed_eval does.

    Each clip is cut into segments. A segment has a label where any event of that label
    overlaps it, and counts once for each label.

    Parameters
    ----------
    reference : DataFrame
        The true events: columns ``row`` (index of the clip, int), ``label``, ``onset`` and
        ``offset`` (seconds from the start of the clip).
    estimated : DataFrame
        The events that were found, with the same columns, such as
        :meth:`skw2c.ZeroShotClassifier.predict_events` gives.
    labels : sequence of str or int
        All labels.
    n_seconds : float or array-like of shape (n_clips,)
        Length of each clip, of those without events too. Where events end later, what comes
        after the last segment is left out.
    time_resolution : float, default=0.1
        Length of a segment in seconds, a whole number of milliseconds.
    zero_division : {0.0, nan}, default=0.0
        Precision of a label that is never found. With NaN it is left out of the means over
        labels, which rise when a system never tries a difficult label. sed_eval calls 0.0
        ``empty_system_output_handling="zero_score"``, and has NaN by default.

    Returns
    -------
    scores : dict
        ``"micro"``: dict of ``"f1"``, ``"precision"`` and ``"recall"`` of all segments and
        labels together.
        ``"macro"``: the same as means over labels, without those that are NaN.
        ``"per_class"``: DataFrame with the labels as index and the columns ``f1``,
        ``precision``, ``recall``, ``n_reference``, ``n_estimated`` and ``n_correct``, the
        last three numbers of segments.

    Raises
    ------
    ValueError
        If columns are missing, an event has an unknown label or clip, ends before it starts,
        starts before its clip, or has no time; or ``time_resolution`` is no whole number of
        milliseconds.

    Warns
    -----
    UndefinedMetricWarning
        If there are labels without any true event: recall and F1 are NaN, and the means
        leave them out.

    Notes
    -----
    Times are rounded to milliseconds first. Then an event covers all segments from the one in
    which it starts to the one in which it ends. sed_eval computes with the times as they
    are, where 0.3 divided by 0.1 is less than 3, and so puts some edges into the segment
    before or after.

    Segments that neither side gives a label do not count, so the number of clips makes no
    difference.

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
    >>> scores = segment_f1(truth, found, ["dog", "cat"], n_seconds=10.0)
    >>> scores["micro"]
    {'f1': 0.75, 'precision': 0.75, 'recall': 0.75}
    >>> scores["per_class"]["f1"].tolist()
    [0.5, 1.0]
    """
    import pandas as pd

    check_scalar(zero_division, "zero_division", Real)
    if zero_division == zero_division and zero_division != 0:
        raise ValueError(f"zero_division={zero_division!r} is neither 0.0 nor nan")
    columns = _number_labels(labels)
    step = _to_step(time_resolution)
    lengths = _to_segments(n_seconds, step)
    true = _list_events(reference, "reference", columns, lengths, step)
    found = _list_events(estimated, "estimated", columns, lengths, step)
    counts = _count(true, found, len(columns))
    table = pd.DataFrame(
        {
            **_rate(*counts, zero_division),
            **dict(zip(("n_reference", "n_estimated", "n_correct"), counts, strict=True)),
        },
        index=pd.Index(list(columns), name="label"),
    )
    _warn_of_none(table)
    names = ["f1", "precision", "recall"]
    together = _rate(*(number.sum(keepdims=True) for number in counts), zero_division)
    return {
        "micro": {name: float(together[name][0]) for name in names},
        "macro": {name: float(table[name].mean()) for name in names},
        "per_class": table,
    }


def _number_labels(labels) -> dict:
    if isinstance(labels, str):
        raise ValueError(f"labels is the single string {labels!r}, and a list is expected")
    labels = list(labels)
    columns = {label: column for column, label in enumerate(labels)}
    if len(columns) != len(labels) or not labels:
        raise ValueError(f"labels must be one or more, each once, got {labels}")
    return columns


def _to_step(time_resolution: float) -> int:
    """Milliseconds of a segment."""
    check_scalar(time_resolution, "time_resolution", Real)
    exact = time_resolution * _MILLISECONDS
    if not exact >= 0.5 or abs(exact - round(exact)) > 1e-6:
        raise ValueError(
            f"time_resolution={time_resolution!r} seconds is no whole number of milliseconds, to "
            "which times are rounded"
        )
    return round(exact)


def _to_milliseconds(seconds: np.ndarray) -> np.ndarray:
    return np.rint(seconds * _MILLISECONDS).astype(np.int64)


def _to_segments(n_seconds, step: int) -> np.ndarray:
    """Number of segments of each clip; of no dimension where it is one number for all."""
    n_seconds = np.asarray(n_seconds, dtype=np.float64)
    if n_seconds.ndim > 1 or not np.isfinite(n_seconds).all() or (n_seconds < 0).any():
        raise ValueError(
            "n_seconds must be a length in seconds, or one for each clip, and none negative or NaN"
        )
    return -(-_to_milliseconds(n_seconds) // step)


def _list_events(events, name: str, columns: dict, lengths: np.ndarray, step: int) -> np.ndarray:
    """Clip, label, first segment and end of each event: (n_events, 4), int."""
    missing = [column for column in ("row", "label", "onset", "offset") if column not in events]
    if missing:
        raise ValueError(f"{name} lacks the columns {missing}")
    rows = _check_rows(events["row"], name, lengths)
    unknown = [label for label in events["label"] if label not in columns]
    if unknown:
        raise ValueError(f"{name} has the label {unknown[0]!r}, which is not among labels")
    onsets, offsets = (events[side].to_numpy(np.float64) for side in ("onset", "offset"))
    wrong = np.flatnonzero(~((onsets >= 0) & (offsets >= onsets) & np.isfinite(offsets)))
    if wrong.size:
        event = wrong[0]
        raise ValueError(
            f"Event {event} of {name} is from {onsets[event]} to {offsets[event]} seconds: an "
            "event starts at 0 or later, and ends no earlier than it starts"
        )
    ends = lengths if lengths.ndim == 0 else lengths[rows]
    first = np.minimum(_to_milliseconds(onsets) // step, ends)
    end = np.minimum(-(-_to_milliseconds(offsets) // step), ends)
    labels = np.array([columns[label] for label in events["label"]], dtype=np.int64)
    return np.stack([rows, labels, first, end], axis=1)


def _check_rows(rows, name: str, lengths: np.ndarray) -> np.ndarray:
    limit = len(lengths) if lengths.ndim else np.inf
    wrong = [row for row in rows if not isinstance(row, Integral) or not 0 <= row < limit]
    if wrong:
        clips = f"from 0 to {limit - 1}" if lengths.ndim else "from 0"
        raise ValueError(
            f"{name} has an event in row {wrong[0]!r}, and rows are whole numbers {clips}"
        )
    return np.array(rows, dtype=np.int64)


def _count(true: np.ndarray, found: np.ndarray, n_labels: int) -> tuple[np.ndarray, ...]:
    """Segments of each label that are true, found, and both."""
    n_true, n_found, n_both = np.zeros((3, n_labels), dtype=np.int64)
    for row in np.union1d(true[:, 0], found[:, 0]):
        own = [events[events[:, 0] == row] for events in (true, found)]
        n_segments = max(events[:, 3].max(initial=0) for events in own)
        one, other = (_activity(events, n_segments, n_labels) for events in own)
        n_true += one.sum(axis=0)
        n_found += other.sum(axis=0)
        n_both += (one & other).sum(axis=0)
    return n_true, n_found, n_both


def _activity(events: np.ndarray, n_segments: int, n_labels: int) -> np.ndarray:
    """Which segments have which labels: (n_segments, n_labels), bool."""
    active = np.zeros((n_segments, n_labels), dtype=bool)
    for _, label, first, end in events:
        active[first:end, label] = True
    return active


def _rate(n_true, n_found, n_both, zero_division: float) -> dict[str, np.ndarray]:
    with np.errstate(invalid="ignore"):
        precision = np.where(n_found == 0, zero_division, n_both / n_found)
        recall = n_both / n_true  # NaN where nothing is true
        f1 = 2 * precision * recall / (precision + recall)
    f1 = np.where((precision == 0) & (recall == 0), 0.0, f1)
    return {"f1": f1, "precision": precision, "recall": recall}


def _warn_of_none(table) -> None:
    none = table.index[table["n_reference"] == 0].tolist()
    if none:
        warn_caller(
            f"{len(none)} of {len(table)} labels have no true event ({none[0]!r} for one): their "
            "recall and F1 are NaN, and the means leave them out",
            UndefinedMetricWarning,
        )
