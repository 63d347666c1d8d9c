"""Pictures painted from sounds, and what CLIP sees in them."""

import numpy as np
from sklearn.base import clone

from benchmarks.running.fingerprint import identify
from benchmarks.running.images import encode_picture, show
from benchmarks.tasks.drawing import Drawing
from benchmarks.tasks.task import Task
from benchmarks.tasks.zero_shot import embed_words

N_SHUFFLES = 1000
N_WATCHED = 10
_N_SHOWN = 2


class Imagining(Task):
    """Pictures painted from sounds, and what CLIP sees in them."""

    name = "pictures from sound"
    slow = True
    drawing = Drawing(
        section="Images from sound",
        examples="the clip's own image, and the one that was generated from its sound",
    )

    def fits(self, data):
        pictures = data.pictures is not None and data.target is not None
        return pictures and not data.multilabel and len(data.words) > 0

    def suits(self, system):
        return system.make_image_generator is not None

    def prepare(self, data):
        return data.tested()

    def identify(self, options, data, system):
        sounds, judge = identify(system.encoder()), identify(system.image_encoder())
        painting = (options.n_painted, options.painting_steps, options.seed)
        return sounds, judge, data.words, *painting

    def fill(self, bench, cell, data, system):
        options = bench.options
        seen = np.flatnonzero([picture is not None for picture in data.pictures])
        drawn = np.random.default_rng(options.seed).permutation(seen)[: options.n_painted]
        data = data.take(np.sort(drawn))
        sounds, rows = bench.vectors(data, system)
        sounds = sounds / np.linalg.norm(sounds, axis=1, keepdims=True)
        painted, watched = paint(system.make_image_generator(), sounds)
        judge = Judge(system, data)
        truth = data.target[rows]
        found = judge.classify(painted)
        cell.scores = {"seen as the sound's kind": float(np.mean(found == truth))}
        cell.controls = {
            "chance": 1 / len(data.classes),
            "shuffled vectors": shuffle(found, truth, options.seed),
            "before any step": float(np.mean(judge.classify(watched[0]) == truth)),
        }
        cell.n = len(rows)
        cell.details["kinds by the vectors of the sounds"] = float(
            np.mean(judge.choose(sounds) == truth)
        )
        cell.details["mean cosine of picture and sound"] = {
            f"after step {step}": judge.cosine(pictures, sounds)
            for step, pictures in watched.items()
        }
        cell.details["examples"] = [
            {
                "query": str(truth[row]),
                "picture": show(data.pictures[rows[row]]),
                "found": [
                    {
                        "label": f"seen as {found[row]}",
                        "right": bool(found[row] == truth[row]),
                        "picture": encode_picture(painted[row]),
                    }
                ],
            }
            for row in choose_examples(truth)
        ]


def paint(painter, vectors):
    """Pictures (n, height, width, 3) of the vectors, and those by step from 0 on."""
    painter = clone(painter).set_params(encoder="passthrough").fit()
    n_steps = painter.n_iter
    watched = {0: painter.set_params(n_iter=0).transform(vectors)}

    def watch(row, step, picture):
        watched.setdefault(step, np.zeros_like(watched[0]))[row] = picture

    every = max(n_steps // N_WATCHED, 1)
    painter.set_params(n_iter=n_steps, callback=watch, callback_every=every)
    return painter.transform(vectors), watched


class Judge:
    """The CLIP of a system, which says what it sees.

    Parameters
    ----------
    system : System
    data : AudioDataset
        Whose classes it chooses from.
    """

    def __init__(self, system, data):
        self._classes = np.array(data.classes)
        self._words = embed_words(data.words, system)
        self._eyes = system.image_encoder()  # of unit vectors

    def choose(self, vectors):
        """The class of each vector."""
        return self._classes[(vectors @ self._words.T).argmax(axis=1)]

    def classify(self, pictures):
        """The class of each picture."""
        return self.choose(self._look_at(pictures))

    def cosine(self, pictures, vectors):
        """Mean cosine of pictures with unit vectors, row by row."""
        return float((self._look_at(pictures) * vectors).sum(axis=1).mean())

    def _look_at(self, pictures):
        return np.asarray(self._eyes.transform(list(pictures)))


def shuffle(found, truth, seed):
    """Accuracy of pictures painted from the vectors of other sounds, over many shuffles.

    A picture depends on nothing but its vector, so that these are the same pictures in
    another order.
    """
    rng = np.random.default_rng(seed)
    return float(np.mean([np.mean(rng.permutation(found) == truth) for _ in range(N_SHUFFLES)]))


def choose_examples(truth):
    """The first rows of each class."""
    rows = [np.flatnonzero(truth == kind)[:_N_SHOWN] for kind in np.unique(truth)]
    return np.concatenate(rows).tolist()
