"""Search in clips by words, and across words, sounds and pictures: the table of AudioCLIP."""

import numpy as np

from benchmarks.running.fingerprint import identify
from benchmarks.tasks.task import Task
from benchmarks.tasks.zero_shot import embed_words
from skw2c.metrics import retrieval_scores

_MEASURES = {
    "map": "mean average precision",
    "precision@1": "precision at 1",
    "recall@1": "recall at 1",
}


class Querying(Task):
    """Search in clips by words, and across words, sounds and pictures."""

    name = "querying"

    def fits(self, data):
        return data.target is not None and not data.multilabel

    def suits(self, system):
        return system.make_text_encoder is not None

    def prepare(self, data):
        return data.tested()

    def variants(self, data, system):
        pairs = [("text", "audio")]
        if data.pictures is not None and system.make_image_encoder is not None:
            pairs += [("text", "image"), ("audio", "image"), ("image", "audio")]
        for source, result in pairs:
            yield f"{data.name}, {source} to {result}", (source, result)

    def identify(self, options, data, system):
        images = identify(system.image_encoder()) if data.pictures is not None else None
        return identify(system.encoder()), identify(system.text_encoder()), images, data.words

    def fill(self, bench, cell, data, system, source, result):
        queries, query_labels = _embed(bench, data, system, source)
        items, item_labels = _embed(bench, data, system, result)
        scores = retrieval_scores(queries, items, query_labels, item_labels, k=1)
        cell.scores = {title: float(scores[name]) for name, title in _MEASURES.items()}
        frequencies = [np.mean(item_labels == label) for label in query_labels]
        cell.controls = {"chance": float(np.mean(frequencies))}
        cell.n = len(items)


def _embed(bench, data, system, kind):
    """Vectors of one kind, and the class of each."""
    if kind == "text":
        return embed_words(data.words, system), np.asarray(data.classes)
    vectors, rows = (bench.vectors if kind == "audio" else bench.pictures)(data, system)
    return vectors, data.target[rows]
