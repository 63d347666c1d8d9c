"""Classes of clips by the words for them; nothing is trained."""

import numpy as np

from benchmarks.running.fingerprint import identify
from benchmarks.running.probes import chance_of, mean_average_precision
from benchmarks.tasks.classification import measure_of
from benchmarks.tasks.task import Task
from skw2c import ZeroShotClassifier


class ZeroShot(Task):
    """Classes of clips by the words for them; nothing is trained."""

    name = "zero-shot"
    zero_shot = True

    def fits(self, data):
        return data.target is not None

    def suits(self, system):
        return system.make_text_encoder is not None

    def prepare(self, data):
        return data.tested()

    def identify(self, options, data, system):
        return identify(system.encoder()), identify(system.text_encoder()), data.words

    def fill(self, bench, cell, data, system):
        embed = bench.seconds if data.by_seconds else bench.vectors
        vectors, rows = embed(data, system)
        words = embed_words(data.words, system)
        classifier = ZeroShotClassifier(
            list(data.classes),
            encoder="passthrough",
            text_encoder=dict(zip(data.classes, words, strict=True)),
            multilabel=data.multilabel,
        ).fit()
        target, measure = data.target[rows], measure_of(data)
        if measure == "accuracy":
            score = float(np.mean(classifier.predict(vectors) == target))
        else:
            cosines = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) @ words.T
            score = mean_average_precision(target, cosines, data.classes)
        cell.scores = {measure: score}
        cell.controls = {"chance": chance_of(data.target, measure, data.classes)}
        cell.n = len(np.unique(rows))
        if data.fold is not None and measure == "accuracy":
            right = classifier.predict(vectors) == target
            folds = [float(right[data.fold[rows] == fold].mean()) for fold in np.unique(data.fold)]
            cell.spread = {measure: float(np.std(folds))}
            cell.details["mean of folds"] = float(np.mean(folds))


def embed_words(words, system):
    """Unit vectors (n_words, width) of classes, by a system's encoder of texts.

    A class may be said in several ways, whose vectors are averaged.
    """
    encoder = system.text_encoder()
    ways = [[said] if isinstance(said, str) else list(said) for said in words]
    vectors = np.stack([np.asarray(encoder.transform(said)).mean(axis=0) for said in ways])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
