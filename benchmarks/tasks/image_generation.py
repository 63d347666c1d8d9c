"""Images generated from sounds, and how CLIP classifies them."""

import numpy as np
from sklearn.base import clone

from benchmarks.running.fingerprint import fingerprint_of
from benchmarks.running.images import encode_image, show
from benchmarks.tasks.drawing import Drawing
from benchmarks.tasks.task import Task
from benchmarks.tasks.zero_shot import embed_prompts

N_SHUFFLES = 1000
N_WATCHED = 10
_N_SHOWN = 2


class ImageGeneration(Task):
    """Images generated from sounds, and how CLIP classifies them."""

    name = "pictures from sound"  # known to caches and the command line so
    slow = True
    drawing = Drawing(
        section="Images from sound",
        examples="the clip's own image, and the one that was generated from its sound",
    )

    def fits(self, data):
        images = data.images is not None and data.target is not None
        return images and not data.multilabel and len(data.prompts) > 0

    def suits(self, system):
        return system.make_image_generator is not None

    def prepare(self, data):
        return data.tested()

    def fingerprint(self, options, data, system):
        sounds, judge = (
            fingerprint_of(system.encoder()),
            fingerprint_of(system.image_encoder()),
        )
        parameters = (options.n_painted, options.painting_steps, options.seed)
        return sounds, judge, data.prompts, *parameters

    def fill(self, bench, cell, data, system):
        options = bench.options
        seen = np.flatnonzero([image is not None for image in data.images])
        drawn = np.random.default_rng(options.seed).permutation(seen)[: options.n_painted]
        data = data.take(np.sort(drawn))
        sounds, rows = bench.vectors(data, system)
        sounds = sounds / np.linalg.norm(sounds, axis=1, keepdims=True)
        generated, watched = generate(system.make_image_generator(), sounds)
        judge = Judge(system, data)
        truth = data.target[rows]
        found = judge.classify(generated)
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
            f"after step {step}": judge.cosine(images, sounds) for step, images in watched.items()
        }
        cell.details["examples"] = [
            {
                "query": str(truth[row]),
                "picture": show(data.images[rows[row]]),
                "found": [
                    {
                        "label": f"seen as {found[row]}",
                        "right": bool(found[row] == truth[row]),
                        "picture": encode_image(generated[row]),
                    }
                ],
            }
            for row in choose_examples(truth)
        ]


def generate(generator, vectors):
    """Figures (n, height, width, 3) of the vectors, and those by step from 0 on."""
    generator = clone(generator).set_params(encoder="passthrough").fit()
    n_steps = generator.n_iter
    watched = {0: generator.set_params(n_iter=0).transform(vectors)}

    def watch(row, step, image):
        watched.setdefault(step, np.zeros_like(watched[0]))[row] = image

    every = max(n_steps // N_WATCHED, 1)
    generator.set_params(n_iter=n_steps, callback=watch, callback_every=every)
    return generator.transform(vectors), watched


class Judge:
    """The CLIP of a system, which classifies images.

    Parameters
    ----------
    system : System
    data : AudioDataset
        Whose classes it chooses from.
    """

    def __init__(self, system, data):
        self._classes = np.array(data.classes)
        self._words = embed_prompts(data.prompts, system)
        self._eyes = system.image_encoder()  # of unit vectors

    def choose(self, vectors):
        """The class of each vector."""
        return self._classes[(vectors @ self._words.T).argmax(axis=1)]

    def classify(self, images):
        """The class of each image."""
        return self.choose(self._look_at(images))

    def cosine(self, images, vectors):
        """Mean cosine of images with unit vectors, row by row."""
        return float((self._look_at(images) * vectors).sum(axis=1).mean())

    def _look_at(self, images):
        return np.asarray(self._eyes.transform(list(images)))


def shuffle(found, truth, seed):
    """Accuracy of images generated from the vectors of other sounds, over many shuffles.

    A image depends on nothing but its vector, so that these are the same images in
    another order.
    """
    rng = np.random.default_rng(seed)
    return float(np.mean([np.mean(rng.permutation(found) == truth) for _ in range(N_SHUFFLES)]))


def choose_examples(truth):
    """The first rows of each class."""
    rows = [np.flatnonzero(truth == kind)[:_N_SHOWN] for kind in np.unique(truth)]
    return np.concatenate(rows).tolist()
