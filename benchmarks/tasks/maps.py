"""Maps of the clips: two dimensions in which neighbours stay neighbours (UMAP)."""

import base64
import os
from contextlib import suppress

import numpy as np
from sklearn.neighbors import NearestNeighbors

from benchmarks.running.fingerprint import fingerprint_of
from benchmarks.tasks.drawing import Drawing
from benchmarks.tasks.task import Task
from skw2c.exceptions import AudioError, OptionalDependencyError
from skw2c.maps._coordinates import compute_coordinates
from skw2c.maps._snippets import encode_snippet, require_opus

_MOST = 3000
_MOST_PREVIEWS = 200
_SECONDS = 1.5
_PREVIEWS = f"{_MOST_PREVIEWS} previews of {_SECONDS} s"
_LAYOUT = "UMAP that starts from PCA"


class Maps(Task):
    """Maps of the clips: two dimensions in which neighbours stay neighbours."""

    name = "map"
    drawing = Drawing(section="Maps", bars=False)

    def fits(self, data):
        return data.target is not None and not data.multilabel

    def prepare(self, data):
        return data.tested()

    def fingerprint(self, options, data, system):
        return (fingerprint_of(system.features()), options.seed, _PREVIEWS, _LAYOUT)

    def fill(self, bench, cell, data, system):
        vectors, rows = bench.features(data, system)
        rng = np.random.default_rng(bench.options.seed)
        drawn = np.sort(rng.choice(len(rows), min(_MOST, len(rows)), replace=False))
        vectors, labels = vectors[drawn], data.target[rows[drawn]]
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        cell.scores = {
            "nearest neighbour has the class": float(judge_neighbours(vectors, labels).mean())
        }
        cell.n = len(drawn)
        cell.details |= {
            "points": compute_coordinates(vectors, "umap").points.tolist(),
            "labels": labels.tolist(),
            "classes": list(data.classes),
            "clips": [name_clip(data.clips[row], row) for row in rows[drawn]],
            "previews": make_previews([data.clips[row] for row in rows[drawn]]),
        }


def name_clip(clip, row):
    """The name of a clip's file, or the number of a clip that is none."""
    return os.path.basename(clip) if isinstance(clip, (str, os.PathLike)) else f"clip {row}"


def make_previews(clips):
    """Previews of some clips, evenly among all, as Ogg Opus in base64.

    The same clips give the same, whatever system they are shown for. A clip that cannot be read has
    none, and without PyAV no clip has one.

    Parameters
    ----------
    clips : list
        Paths or waveforms at 16 kHz.

    Returns
    -------
    dict of str to str
        By the number of the clip.
    """
    try:
        require_opus("the maps in the report have none without it")
    except OptionalDependencyError:
        return {}
    chosen = np.unique(np.linspace(0, len(clips) - 1, min(_MOST_PREVIEWS, len(clips))).astype(int))
    previews = {}
    for number in chosen.tolist():
        with suppress(AudioError, OptionalDependencyError, OSError):
            sound = encode_snippet(clips[number], _SECONDS)
            previews[str(number)] = base64.b64encode(sound).decode()
    return previews


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
