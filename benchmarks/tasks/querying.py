"""Search in clips by text, and across texts, sounds and images: the table of AudioCLIP."""

import numpy as np

from benchmarks.running.fingerprint import fingerprint_of
from benchmarks.tasks.drawing import Drawing
from benchmarks.tasks.figures import AUDIOCLIP, PRECISION, read_figures
from benchmarks.tasks.task import Task
from benchmarks.tasks.zero_shot import embed_prompts, put_into_words
from skw2c.metrics import retrieval_scores

_MEASURES = {
    "map": "mean average precision",
    "precision@1": "precision at 1",
    "recall@1": "recall at 1",
}

_NOT_REPRODUCIBLE = (
    "The printed precision and recall at 1 cannot be the usual ones (51.25 % of 50 queries is no "
    "whole number; with 40 relevant clips a recall at 1 is at most 2.5 %). Only mean average "
    "precision is compared."
)


class Querying(Task):
    """Search in clips by text, and across texts, sounds and images."""

    name = "querying"
    drawing = Drawing(table="data")
    published = read_figures(
        "AudioCLIP, table 4",
        [
            {**system, "measure": measure}
            for system in AUDIOCLIP
            for measure in ("precision at 1", "recall at 1", PRECISION)
        ],
        [
            ({"dataset": "ImageNet, text to image"}, "5.42 84.15 52.91 1.61 89.00 33.13"),
            ({"dataset": "AudioSet, text to image"}, ".81 46.79 9.51 1.31 74.95 17.22"),
            ({"dataset": "AudioSet, text to audio"}, "2.51 84.38 23.54 5.33 76.13 30.79"),
            ({"dataset": "AudioSet, audio to image"}, ".62 56.39 5.45 1.03 52.12 7.22"),
            ({"dataset": "AudioSet, image to audio"}, ".61 61.94 4.86 1.20 53.15 6.86"),
            ({"dataset": "UrbanSound8K, text to audio"}, "40.81 47.69 77.43 42.28 48.18 80.04"),
            ({"dataset": "ESC-50, text to audio"}, "51.25 85.20 77.20 51.78 80.40 76.97"),
        ],
        per_cent=True,
        notes=[
            ({"measure": "precision at 1"}, _NOT_REPRODUCIBLE),
            ({"measure": "recall at 1"}, _NOT_REPRODUCIBLE),
        ],
        not_comparable=("precision at 1", "recall at 1"),
    )

    def fits(self, data):
        return data.target is not None and not data.multilabel

    def suits(self, system):
        return system.make_text_encoder is not None

    def prepare(self, data):
        return data.tested()

    def variants(self, data, system):
        pairs = [("text", "audio")]
        if data.images is not None and system.make_image_encoder is not None:
            pairs += [("text", "image"), ("audio", "image"), ("image", "audio")]
        for source, result in pairs:
            yield f"{data.name}, {source} to {result}", (source, result)

    def fingerprint(self, options, data, system):
        images = None
        if data.images is not None and system.make_image_encoder is not None:
            images = fingerprint_of(system.image_encoder())
        texts = system.text_encoder()
        return (
            fingerprint_of(system.encoder()),
            fingerprint_of(texts),
            images,
            put_into_words(data.prompts, texts),
        )

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
        return embed_prompts(data.prompts, system), np.asarray(data.classes)
    vectors, rows = (bench.vectors if kind == "audio" else bench.images)(data, system)
    return vectors, data.target[rows]
