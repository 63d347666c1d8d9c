"""Maps of the clips: two dimensions in which neighbours stay neighbours (UMAP)."""

import warnings

import numpy as np
from sklearn.neighbors import NearestNeighbors

from benchmarks.running.fingerprint import fingerprint_of
from benchmarks.tasks.drawing import Drawing
from benchmarks.tasks.task import Task

_MOST = 3000


class Maps(Task):
    """Maps of the clips: two dimensions in which neighbours stay neighbours."""

    name = "map"
    drawing = Drawing(section="Maps", bars=False)

    def fits(self, data):
        return data.target is not None and not data.multilabel

    def prepare(self, data):
        return data.tested()

    def fingerprint(self, options, data, system):
        return (fingerprint_of(system.features()), options.seed)

    def fill(self, bench, cell, data, system):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from umap import UMAP

        vectors, rows = bench.features(data, system)
        rng = np.random.default_rng(bench.options.seed)
        drawn = np.sort(rng.choice(len(rows), min(_MOST, len(rows)), replace=False))
        vectors, labels = vectors[drawn], data.target[rows[drawn]]
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of its own n_jobs
            mapper = UMAP(n_neighbors=min(15, len(vectors) - 1), random_state=bench.options.seed)
            points = mapper.fit_transform(vectors)
        cell.scores = {
            "nearest neighbour has the class": float(judge_neighbours(vectors, labels).mean())
        }
        cell.n = len(drawn)
        cell.details |= {
            "points": np.round(points, 3).tolist(),
            "labels": labels.tolist(),
            "classes": list(data.classes),
        }


def judge_neighbours(vectors, labels):
    """Share of each clip's nearest other clips that have its class.

    A clip that stands twice has its copy for a neighbour, not itself. Clips of the same vector
    are equally near to others, and count together, so that their order says nothing.

    Parameters
    ----------
    vectors : ndarray of shape (n_clips, width)
        At least two.
    labels : ndarray of shape (n_clips,), str

    Returns
    -------
    ndarray of shape (n_clips,), float64
        From 0 to 1.
    """
    places, of_clip = np.unique(vectors, axis=0, return_inverse=True)
    classes, of_label = np.unique(labels, return_inverse=True)
    counts = np.zeros((len(places), len(classes)), int)
    np.add.at(counts, (of_clip, of_label), 1)
    nearest = of_clip.copy()  # a copy of a clip is as near as can be
    others = counts[of_clip].sum(axis=1) - 1
    alone = others == 0
    if alone.any():
        # Asked without vectors, it leaves out the place that it is asked about.
        finder = NearestNeighbors(n_neighbors=1).fit(places)
        nearest[alone] = finder.kneighbors(return_distance=False)[of_clip[alone], 0]
        others[alone] = counts[nearest[alone]].sum(axis=1)
    return (counts[nearest, of_label] - ~alone) / others
