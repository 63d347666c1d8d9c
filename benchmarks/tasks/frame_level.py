"""Names of what sounds in each second of a clip, by text, or of silence."""

import numpy as np
from sklearn.metrics import balanced_accuracy_score

from benchmarks.running.fingerprint import fingerprint_of
from benchmarks.tasks.task import Task
from benchmarks.tasks.zero_shot import embed_prompts, put_into_words

_NOTHING = ""


class FrameLevel(Task):
    """Name each second of the clips, by the prompts of the classes or as nothing."""

    name = "frame level"

    def fits(self, data):
        return data.events is not None and data.nothing and not data.multilabel

    def suits(self, system):
        return system.make_text_encoder is not None

    def prepare(self, data):
        return data.tested()

    def fingerprint(self, options, data, system):
        texts = system.text_encoder()
        prompts = put_into_words(data.prompts, texts)
        return fingerprint_of(system.encoder()), fingerprint_of(texts), prompts, data.nothing

    def fill(self, bench, cell, data, system):
        labels = np.array([*data.classes, _NOTHING], object)
        prompts = embed_prompts([*data.prompts, data.nothing], system)
        found, truth = [], []
        for row, vectors in enumerate(bench.segments(data, system)):
            if not np.isnan(vectors).any():
                found.append(labels[(vectors @ prompts.T).argmax(axis=1)])
                truth.append(label_seconds(data, row, len(vectors)))
        found, truth = np.concatenate(found), np.concatenate(truth)
        clear = truth != None  # noqa: E711, element by element
        truth, found = truth[clear].astype(str), found[clear].astype(str)
        cell.scores = {"balanced accuracy": float(balanced_accuracy_score(truth, found))}
        cell.controls = {"chance": 1 / len(labels)}
        cell.n = int(clear.sum())


def label_seconds(data, row, n_seconds):
    """The class where it fills most of a second, nothing where it is silent, else None."""
    labels = np.full(n_seconds, _NOTHING, object)
    events = data.events[data.events["row"] == row]
    starts = np.arange(n_seconds)
    for label, own in events.groupby("label"):
        overlap = np.minimum(starts[:, None] + 1, own["offset"].to_numpy())
        overlap = overlap - np.maximum(starts[:, None], own["onset"].to_numpy())
        filled = overlap.clip(0).sum(axis=1)
        labels[filled > 0] = None
        labels[filled > 0.5] = label
    return labels
