"""What all tasks work with: the data, the systems, the vectors, the finished cells."""

import numpy as np
from sklearn.base import clone

from benchmarks.running.cells import Cell, NotHereError
from benchmarks.running.extraction import without_failed
from benchmarks.running.fingerprint import fingerprint_of, fingerprint_recipe
from benchmarks.running.images import ImagesTransformer
from benchmarks.running.segments import ListeningTransformer, SegmentTransformer

_IN_DOMAIN = "in-domain: it was trained on these data before, so this does not show transfer"


class Bench:
    """The run of a benchmark.

    Parameters
    ----------
    options : Namespace
    data : list of AudioDataset
    systems : list of System
    store : CellStore
    cache : VectorCache
    trials : TrialStore
    """

    def __init__(self, options, data, systems, store, cache, trials):
        self.options = options
        self.data = data
        self.systems = systems
        self.cells = []
        self._store = store
        self._cache = cache
        self._trials = trials

    def run(self, task):
        """Fill all cells of a task, or take them from disk, and print them."""
        for data in self.data:
            if (data.only_zero_shot and not task.zero_shot) or not task.fits(data):
                continue
            part = task.prepare(data)
            for system in filter(task.suits, self.systems):
                for title, variant in task.variants(part, system):
                    cell = self._compute(task, part, system, title, variant)
                    seen = [_IN_DOMAIN] if data.name in system.trained_on else []
                    cell.notes = [*data.marks, *system.notes, *seen, *cell.notes]
                    self.cells.append(cell)
                    print_cell(cell)

    def _compute(self, task, data, system, title, variant):
        try:
            fingerprint = (*task.fingerprint(self.options, data, system), data.fingerprint)
        except NotHereError as exc:
            return Cell(task.name, title, system.title, problem=str(exc))
        except Exception as exc:  # a broken system must not stop the others
            problem = f"{type(exc).__name__}: {exc}"
            return Cell(task.name, title, system.title, problem=problem)
        return self._store.compute(
            task.name,
            title,
            system.title,
            fingerprint,
            lambda cell: task.fill(self, cell, data, system, *variant),
        )

    def vectors(self, data, system):
        """Vectors (n, width) of clips, and the rows (n,) of those that could be read."""
        return self._embed(data, system, system.encoder())

    def features(self, data, system):
        """The same for classifiers that are trained on the vectors."""
        return self._embed(data, system, system.features())

    def clips(self, data):
        """Clips that can be read, as a list, and the row of each."""
        readable = self._cache.embed(data.clips, ListeningTransformer(), "what can be read")
        rows = np.flatnonzero(without_failed(readable))
        if not len(rows):
            raise ValueError(f"no clip of {data.name} can be read")
        return [data.clips[row] for row in rows], rows

    def seconds(self, data, system):
        """Vectors of all seconds that can be read, and the row of the clip of each."""
        parts = self.segments(data, system)
        rows = np.concatenate([np.full(len(part), row) for row, part in enumerate(parts)])
        vectors = np.concatenate(parts)
        readable = ~np.isnan(vectors).any(axis=1)
        return vectors[readable], rows[readable]

    def material(self, data, system, learner, *, by_seconds=False):
        """What a classifier learns from: items, the clip of each, and what they are, as text."""
        if learner is not None:
            return *self.clips(data), "clips"
        embed = self.seconds if by_seconds else self.features
        return *embed(data, system), system.fingerprint_learning()

    def try_out(self, data, source, model, X, rows, train, test):
        """Predictions of a classifier for some clips, learned from others.

        Parameters
        ----------
        data : AudioDataset
        source : str
            What ``X`` is, as text.
        model : classifier
        X : list or ndarray
            Clips, or their vectors.
        rows : ndarray of int
            The clip of each item of ``X``.
        train, test : ndarray of int
            Items to train on, and to predict.

        Returns
        -------
        scores : ndarray of shape (n_test, n_classes), float64
            Probabilities.
        classes : list of str
            Of the columns.
        """
        parts = (rows[train].tolist(), rows[test].tolist())
        fingerprint = (source, fingerprint_recipe(model), data.fingerprint, *parts)
        target, groups = data.target[rows], None if data.group is None else data.group[rows]
        scores, classes = self._trials.predict(model, X, target, train, test, fingerprint, groups)
        return scores, data.classes if data.multilabel else classes.tolist()

    def _embed(self, data, system, encoder):
        rows = self._cache.embed(data.clips, encoder, fingerprint_of(encoder))
        readable = np.flatnonzero(without_failed(rows))
        if not len(readable):
            raise ValueError(f"{system.title} gives no vector without NaN")
        return np.stack([rows[row] for row in readable]), readable

    def segments(self, data, system):
        """Vectors (n_seconds, width) of the seconds of each clip; NaN where it cannot be read."""
        encoder, rate = system.encoder(), system.sampling_rate
        whole = fingerprint_of(encoder)
        if "sampling_rate" in getattr(encoder, "get_params", dict)():
            fitted = encoder
            encoder = clone(fitted).set_params(sampling_rate=rate).fit(None)
        cutter = SegmentTransformer(encoder, sampling_rate=rate)
        return self._cache.embed(data.clips, cutter, f"seconds at {rate} Hz of {whole}")

    def images(self, data, system):
        """Mean vectors (n, width) of the images of clips, and the rows (n,) that have some."""
        encoder = system.image_encoder()
        rows = self._cache.embed(
            data.images,
            ImagesTransformer(encoder),
            f"pictures by {fingerprint_of(encoder)}",
        )
        readable = np.flatnonzero(without_failed(rows))
        return np.stack([rows[row] for row in readable]), readable


def print_cell(cell):
    """Print a finished cell."""
    if cell.problem:
        result = f"- ({cell.problem})"
    else:
        result = ", ".join(f"{name} {value:.4f}" for name, value in cell.scores.items())
    print(f"{cell.task} | {cell.dataset} | {cell.system} | {result}", flush=True)
