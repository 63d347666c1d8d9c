"""Classes of clips by text alone; nothing is trained."""

import numpy as np

from benchmarks.running.fingerprint import fingerprint_of
from benchmarks.running.probes import chance_of, mean_average_precision
from benchmarks.tasks.classification import (
    WAV2CLIP_COLUMNS,
    Classification,
    measure_of,
)
from benchmarks.tasks.drawing import Drawing
from benchmarks.tasks.figures import (
    ACCURACY,
    AUDIOCLIP,
    IN_DOMAIN,
    LAION,
    MTEB,
    MTEB_COLUMNS,
    QUOTED,
    read_figures,
)
from benchmarks.tasks.task import Task
from skw2c import ZeroShotClassifier

_ONE_TABLE = (
    "Inconsistent in the paper: its text credits the full model with 69.40 %, its table the one "
    "with only the audio head. The table is cited."
)
_BEFORE = "From before version 2.26 of MTEB, which changed how it calls CLAP."
_PADDED = (
    "From before version 2.26 of MTEB: clips were filled up with zeros to the longest of their "
    "batch, and embedded together."
)
_SUBSET = "MTEB takes 2,048 of the 8,732 clips, by its own choice."
_ORIGINALS = (
    "Recall at 1 of the checkpoints before they were converted to what the hub has; "
    "'This is a sound of {}.'"
)


class ZeroShot(Task):
    """Classes of clips by text alone; nothing is trained."""

    name = "zero-shot"
    zero_shot = True
    drawing = Drawing(table="shared", rows_of=Classification.name)
    published = (
        *read_figures(
            "Wav2CLIP, table 2",
            WAV2CLIP_COLUMNS,
            [({"system": "Wav2CLIP"}, ".414 .4044 .0302 .1002 .1726")],
            notes=[({"system": "Wav2CLIP", "dataset": "VGGSound"}, IN_DOMAIN)],
        ),
        *read_figures(
            "AudioCLIP, table 2",
            AUDIOCLIP,
            [
                ({"dataset": "ImageNet, image", "measure": ACCURACY}, "40.51 21.79"),
                ({"dataset": "UrbanSound8K", "measure": ACCURACY}, "65.31 68.78"),
                ({"dataset": "ESC-50", "measure": ACCURACY}, "69.40 68.60"),
            ],
            per_cent=True,
            notes=[({"dataset": "ESC-50"}, _ONE_TABLE)],
        ),
        *read_figures(
            "AudioCLIP, table 3",
            [{"dataset": "ESC-50", "measure": ACCURACY}],
            [
                ({"system": "VGGish + Word2Vec"}, "26.00"),
                ({"system": "VGGish + Word2Vec + GloVe"}, "33.00"),
            ],
            per_cent=True,
            notes=[({}, QUOTED)],
        ),
        *read_figures(
            MTEB,
            MTEB_COLUMNS,
            [({"dataset": "ESC-50", "measure": ACCURACY}, "40.8 - 74.0 81.7 90.5 82.8")],
            per_cent=True,
            notes=[({"system": "Wav2CLIP"}, _PADDED), ({}, _BEFORE)],
        ),
        *read_figures(
            MTEB,
            MTEB_COLUMNS,
            [({"dataset": "UrbanSound8K", "measure": ACCURACY}, "34.2 - 60.2 74.4 79.6 76.9")],
            per_cent=True,
            notes=[({}, _SUBSET)],
            not_comparable=(ACCURACY,),
        ),
        *read_figures(
            LAION,
            [{"dataset": "ESC-50", "measure": ACCURACY}],
            [({"system": "clap-htsat-fused"}, "90.5"), ({"system": "clap-htsat-unfused"}, "92.75")],
            per_cent=True,
            notes=[({}, _ORIGINALS)],
        ),
    )

    def fits(self, data):
        return data.target is not None

    def suits(self, system):
        return system.make_text_encoder is not None

    def prepare(self, data):
        return data.tested()

    def fingerprint(self, options, data, system):
        texts = system.text_encoder()
        return (
            fingerprint_of(system.encoder()),
            fingerprint_of(texts),
            put_into_words(data.prompts, texts),
        )

    def fill(self, bench, cell, data, system):
        embed = bench.seconds if data.by_seconds else bench.vectors
        vectors, rows = embed(data, system)
        prompts = embed_prompts(data.prompts, system)
        classifier = ZeroShotClassifier(
            list(data.classes),
            encoder="passthrough",
            text_encoder=dict(zip(data.classes, prompts, strict=True)),
            multilabel=data.multilabel,
        ).fit()
        target, measure = data.target[rows], measure_of(data)
        if measure == "accuracy":
            score = float(np.mean(classifier.predict(vectors) == target))
        else:
            cosines = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) @ prompts.T
            score = mean_average_precision(target, cosines, data.classes)
        cell.scores = {measure: score}
        cell.controls = {"chance": chance_of(data.target, measure, data.classes)}
        cell.n = len(np.unique(rows))
        if data.fold is not None and measure == "accuracy":
            right = classifier.predict(vectors) == target
            folds = [float(right[data.fold[rows] == fold].mean()) for fold in np.unique(data.fold)]
            cell.spread = {measure: float(np.std(folds))}
            cell.details["mean of folds"] = float(np.mean(folds))


def embed_prompts(prompts, system):
    """Unit vectors (n_words, width) of classes, by a system's encoder of texts.

    A class may have several prompts, whose vectors are averaged.
    """
    encoder = system.text_encoder()
    prompts = put_into_words(prompts, encoder)
    ways = [[prompt] if isinstance(prompt, str) else list(prompt) for prompt in prompts]
    vectors = np.stack([np.asarray(encoder.transform(texts)).mean(axis=0) for texts in ways])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def put_into_words(prompts, encoder):
    """Prompts of classes, of which bare names become sentences where the encoder was trained so."""
    if not hasattr(encoder, "suggest_prompts"):
        return prompts
    suggested = encoder.suggest_prompts()
    templates = [suggested] if isinstance(suggested, str) else suggested
    return [
        [template.format(prompt) for template in templates] if isinstance(prompt, str) else prompt
        for prompt in prompts
    ]
