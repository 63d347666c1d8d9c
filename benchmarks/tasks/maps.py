"""Maps of the clips: two dimensions in which neighbours stay neighbours (UMAP)."""

import warnings

import numpy as np
from identity import identify
from sklearn.neighbors import NearestNeighbors

from tasks.task import Task

_MOST = 3000


class Maps(Task):
    """Maps of the clips: two dimensions in which neighbours stay neighbours."""

    name = "map"

    def fits(self, data):
        return data.target is not None and not data.multilabel

    def prepare(self, data):
        return data.tested()

    def identify(self, options, data, system):
        return (identify(system.features()), options.seed)

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
        neighbours = NearestNeighbors(n_neighbors=2).fit(vectors).kneighbors(vectors)[1][:, 1]
        cell.scores = {
            "nearest neighbour has the class": float(np.mean(labels[neighbours] == labels))
        }
        cell.n = len(drawn)
        cell.details |= {
            "points": np.round(points, 3).tolist(),
            "labels": labels.tolist(),
            "classes": list(data.classes),
        }
