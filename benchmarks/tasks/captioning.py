"""Sentences for sounds: a decoder on frozen vectors of seconds."""

import numpy as np

from benchmarks.running.cells import NotHereError
from benchmarks.running.fingerprint import fingerprint_java_scores
from benchmarks.tasks.figures import read_figures
from benchmarks.tasks.task import Task
from skw2c import AudioCaptioner
from skw2c.metrics import available_java_scores, caption_scores, java_caption_scores

_TITLES = {
    "cider_d": "CIDEr-D",
    "bleu_1": "BLEU-1",
    "bleu_4": "BLEU-4",
    "rouge_l": "ROUGE-L",
    "meteor": "METEOR",
    "spice": "SPICE",
    "spider": "SPIDEr",
}
_N_EXAMPLES = 8


class Captioning(Task):
    """Sentences for sounds: a decoder on frozen vectors of seconds."""

    name = "captioning"
    published = read_figures(
        "Wav2CLIP, table 3",
        [
            {"dataset": "Clotho", "measure": measure}
            for measure in ["BLEU-1", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D", "SPICE", "SPIDEr"]
        ],
        [
            ({"system": "Baseline (DCASE 2020)"}, ".389 .015 .084 .262 .074 .033 .054"),
            ({"system": "Wav2CLIP"}, ".393 .054 .104 .271 .100 .045 .073"),
        ],
    )

    def fits(self, data):
        return data.captions is not None and data.split is not None

    def fingerprint(self, options, data, system):
        common = super().fingerprint(options, data, system)
        return (*common, options.caption_epochs, fingerprint_java_scores())

    def fill(self, bench, cell, data, system):
        frames = bench.segments(data, system)
        readable = np.array([not np.isnan(part).any() for part in frames])
        captioned = np.array([len(captions) > 0 for captions in data.captions])
        tested = data.split == "test"
        train, test = (np.flatnonzero(readable & captioned & part) for part in (~tested, tested))
        if not (len(train) and len(test)):
            raise NotHereError("there are no captions to train on, or none to compare with")
        captioner = AudioCaptioner(
            "passthrough",
            max_epochs=bench.options.caption_epochs,
            random_state=bench.options.seed,
            verbose=bench.options.verbose,
        ).fit([frames[row] for row in train], [data.captions[row] for row in train])
        found = list(captioner.predict([frames[row] for row in test]))
        references = [data.captions[row] for row in test]
        scores = caption_scores(found, references)
        scores |= self._score_by_java(cell, found, references)
        cell.scores = {
            title: float(scores[name]) for name, title in _TITLES.items() if name in scores
        }
        rng = np.random.default_rng(bench.options.seed)
        shuffled = [found[row] for row in rng.permutation(len(found))]
        cell.controls = {
            "shuffled captions": float(caption_scores(shuffled, references)["cider_d"])
        }
        cell.n = len(test)
        cell.details["captions"] = [
            {"found": str(found[row]), "references": list(references[row])}
            for row in rng.choice(len(found), min(_N_EXAMPLES, len(found)), replace=False)
        ]

    def _score_by_java(self, cell, found, references):
        """The scores whose programs are here; a note tells why others are missing."""
        lacking = available_java_scores()
        here = [name for name, problem in lacking.items() if problem is None]
        for problem in dict.fromkeys(filter(None, lacking.values())):
            names = [_TITLES[name] for name, own in lacking.items() if own == problem]
            cell.notes.append(f"no {', '.join(names)}: {problem}")
        if not here:
            return {}
        try:
            return java_caption_scores(found, references, metrics=here)
        except Exception as exc:  # whatever goes wrong in Java
            names = [_TITLES[name] for name in here]
            cell.notes.append(f"no {', '.join(names)}: {exc}")
            return {}
