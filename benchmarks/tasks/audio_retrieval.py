"""Find the seconds that sound like a labelled second, scored as detected events."""

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold

from benchmarks.running.segments import label_segments
from benchmarks.tasks.drawing import Drawing
from benchmarks.tasks.figures import read_figures
from benchmarks.tasks.task import Task
from skw2c.metrics import segment_f1

_N_FOLDS = 5
_STEP = 0.01  # of the thresholds of the cosine distance, from 0 to 2
_RESOLUTION = 0.1


class AudioRetrieval(Task):
    """Find the seconds that sound like a labelled second."""

    name = "audio retrieval"
    drawing = Drawing(table="shared")
    published = read_figures(
        "Wav2CLIP, table 2",
        [{"dataset": "DESED", "measure": "macro F1"}],
        [
            ({"system": "OpenL3"}, ".1176"),
            ({"system": "YAMNet"}, ".3420"),
            ({"system": "Wav2CLIP"}, ".3955"),
        ],
        notes=[({}, "The paper does not say whether this F1 is macro or micro.")],
    )

    def fits(self, data):
        return data.events is not None and not data.multilabel

    def prepare(self, data):
        return data.tested()

    def fill(self, bench, cell, data, system):
        vectors = bench.segments(data, system)
        seconds = Seconds.of(data, vectors)
        folds = evaluate(seconds, data, bench.options.seed)
        table = pd.DataFrame(folds)
        for name in ("macro F1", "micro F1"):
            cell.scores[name] = float(table[name].mean())
            cell.spread[name] = float(table[name].std(ddof=0))
        rng = np.random.default_rng(bench.options.seed)
        random = [rng.normal(size=part.shape) + 0 * part for part in vectors]  # NaN stays
        control = evaluate(Seconds.of(data, random), data, bench.options.seed)
        cell.controls = {"random vectors": float(pd.DataFrame(control)["macro F1"].mean())}
        cell.n = len(np.unique(seconds.row))
        cell.details["folds"] = folds
        failed = len(data) - cell.n
        if failed:
            cell.notes.append(f"{failed} clips could not be read")


class Seconds:
    """The seconds of all clips, with their vectors and labels.

    Attributes
    ----------
    row : ndarray of shape (n,)
        Which clip a second is of.
    start : ndarray of shape (n,)
        Its number in the clip.
    vectors : ndarray of shape (n, width)
        Of length 1.
    labelled : ndarray of shape (n, n_labels), bool
    """

    def __init__(self, row, start, vectors, labelled):
        self.row, self.start, self.vectors, self.labelled = row, start, vectors, labelled

    @classmethod
    def of(cls, data, vectors):
        """Label the seconds of a data set; those without vectors are left out."""
        events = dict(iter(data.events.groupby("row")))
        none = data.events.iloc[:0]
        labelled = [
            label_segments(events.get(row, none), list(data.classes), len(part))
            for row, part in enumerate(vectors)
        ]
        row = np.concatenate([np.full(len(part), k) for k, part in enumerate(vectors)])
        start = np.concatenate([np.arange(len(part)) for part in vectors])
        joined = np.concatenate(vectors).astype(np.float64)
        joined /= np.maximum(np.linalg.norm(joined, axis=1, keepdims=True), 1e-12)
        kept = ~np.isnan(joined).any(axis=1)
        return cls(row[kept], start[kept], joined[kept], np.concatenate(labelled)[kept])

    def take(self, rows):
        """The seconds of some clips."""
        kept = np.isin(self.row, rows)
        return Seconds(self.row[kept], self.start[kept], self.vectors[kept], self.labelled[kept])

    def distances(self):
        """Cosine distance (n, n_labels) to the nearest other second that has each label."""
        n_labels = self.labelled.shape[1]
        nearest = np.full((len(self.row), n_labels), np.inf)
        for start in range(0, len(self.row), 1024):
            block = slice(start, start + 1024)
            distance = 1 - self.vectors[block] @ self.vectors.T
            own = np.arange(start, start + len(distance))
            distance[own - start, own] = np.inf  # a query does not find itself
            for label in range(n_labels):
                queries = np.flatnonzero(self.labelled[:, label])
                if len(queries):
                    nearest[block, label] = distance[:, queries].min(axis=1)
        return nearest


def evaluate(seconds, data, seed):
    """Choose the threshold on one fold of clips, and score the others; for each of five.

    Returns
    -------
    list of dict
        ``fold``, ``threshold``, ``macro F1``, ``micro F1``.
    """
    folds = []
    for number, (scored, held_out) in enumerate(_split(data, seed)):
        threshold = choose_threshold(seconds.take(held_out), data.take(held_out), held_out)
        part = seconds.take(scored)
        scores = score(part, part.distances() < threshold, data.take(scored), scored)
        folds.append(
            {
                "fold": number + 1,
                "threshold": threshold,
                "macro F1": scores["macro"]["f1"],
                "micro F1": scores["micro"]["f1"],
            }
        )
    return folds


def _split(data, seed):
    """Five folds of the clips; those of a recording stay together."""
    kind = KFold if data.group is None else GroupKFold
    return kind(_N_FOLDS, shuffle=True, random_state=seed).split(
        np.arange(len(data)), None, data.group
    )


def choose_threshold(seconds, data, rows):
    """The distance below which macro F1 is best, all seconds of equal weight within."""
    active = _active(seconds, data, rows)
    distances = seconds.distances()
    best, chosen = -1.0, 0.0
    for threshold in np.arange(0, 2 + _STEP / 2, _STEP):
        found = distances < threshold
        hits = (found * active).sum(axis=0)
        false = (found * (1 - active)).sum(axis=0)
        missed = (~found * active).sum(axis=0)
        f1 = 2 * hits / np.maximum(2 * hits + false + missed, 1e-12)
        if f1.mean() > best:
            best, chosen = f1.mean(), float(threshold)
    return chosen


def score(seconds, found, data, rows):
    """Score seconds that were found, as events, by `skw2c.metrics.segment_f1`."""
    position = {row: number for number, row in enumerate(rows)}
    hits = np.argwhere(found)
    estimated = pd.DataFrame(
        {
            "row": [position[seconds.row[k]] for k, _ in hits],
            "label": [data.classes[label] for _, label in hits],
            "onset": seconds.start[hits[:, 0]].astype(float),
            "offset": seconds.start[hits[:, 0]] + 1.0,
        }
    )
    readable = np.isin(rows, seconds.row)
    events = data.events[readable[data.events["row"]]]
    # What lies behind the last whole second cannot be found, and is missed all the same.
    ends = [(seconds.start + 1.0, seconds.row), (events["offset"], rows[events["row"]])]
    n_seconds = np.zeros(len(rows))
    for values, of_row in ends:
        np.maximum.at(n_seconds, [position[row] for row in of_row], values)
    return segment_f1(events, estimated, list(data.classes), n_seconds, time_resolution=_RESOLUTION)


def _active(seconds, data, rows):
    """Which part of each second each label sounds, (n, n_labels)."""
    position = {row: number for number, row in enumerate(rows)}
    of_row = {position[row]: np.flatnonzero(seconds.row == row) for row in np.unique(seconds.row)}
    active = np.zeros(seconds.labelled.shape)
    for event in data.events.itertuples():
        own = of_row.get(event.row, np.zeros(0, int))
        starts = seconds.start[own]
        overlap = np.minimum(starts + 1, event.offset) - np.maximum(starts, event.onset)
        active[own, data.classes.index(event.label)] += np.clip(overlap, 0, 1)
    return active.clip(0, 1)
