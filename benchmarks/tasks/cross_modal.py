"""Find the images that belong to a sound, and the sound that belongs to images."""

import numpy as np

from benchmarks.running.fingerprint import fingerprint_of
from benchmarks.running.images import show
from benchmarks.tasks.drawing import Drawing
from benchmarks.tasks.figures import IN_DOMAIN, read_figures
from benchmarks.tasks.task import Task
from skw2c.metrics import chance_reciprocal_rank, mean_reciprocal_rank

DIRECTIONS = ("audio to images", "images to audio")
_AT_CHANCE = "Chance is about .0186 on this list of clips: the two halves of OpenL3 share no space."
_N_EXAMPLES, _N_FOUND = 6, 4


class CrossModal(Task):
    """Find the images that belong to a sound, and the sound that belongs to images."""

    name = "cross-modal retrieval"
    drawing = Drawing(
        table="shared",
        section="Sounds found by images",
        examples="each query, and what was found, best first",
    )
    published = read_figures(
        "Wav2CLIP, table 2",
        [
            {"dataset": "VGGSound", "measure": f"reciprocal rank, {direction}"}
            for direction in DIRECTIONS
        ],
        [({"system": "OpenL3"}, ".0171 .0160"), ({"system": "Wav2CLIP"}, ".0566 .0678")],
        notes=[({"system": "OpenL3"}, _AT_CHANCE), ({"system": "Wav2CLIP"}, IN_DOMAIN)],
    )

    def fits(self, data):
        return data.images is not None and data.target is not None and not data.multilabel

    def suits(self, system):
        return system.make_image_encoder is not None

    def prepare(self, data):
        return data.tested()

    def fingerprint(self, options, data, system):
        return (
            fingerprint_of(system.encoder()),
            fingerprint_of(system.image_encoder()),
            options.seed,
        )

    def fill(self, bench, cell, data, system):
        sounds, rows = bench.vectors(data, system)
        seen, shown = bench.images(data, system)
        both, of_sounds, of_images = np.intersect1d(rows, shown, return_indices=True)
        sounds, seen, labels = sounds[of_sounds], seen[of_images], data.target[both]
        for direction, queries, items in (
            (DIRECTIONS[0], sounds, seen),
            (DIRECTIONS[1], seen, sounds),
        ):
            name = f"reciprocal rank, {direction}"
            cell.scores[name] = mean_reciprocal_rank(queries, items, labels, labels)
        own = np.arange(len(both))
        cell.details["its own"] = {
            DIRECTIONS[0]: mean_reciprocal_rank(sounds, seen, own, own),
            DIRECTIONS[1]: mean_reciprocal_rank(seen, sounds, own, own),
            "chance": chance_reciprocal_rank(own, own),
        }
        cell.controls = {"chance": chance_reciprocal_rank(labels, labels)}
        cell.n = len(both)
        cell.details["examples"] = _examples(bench, data, both, sounds, seen)


def _examples(bench, data, rows, sounds, seen):
    """What is found for some images: the sounds' own images stand for them."""
    sounds, seen = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (sounds, seen))
    rng = np.random.default_rng(bench.options.seed)
    examples = []
    for query in rng.choice(len(rows), min(_N_EXAMPLES, len(rows)), replace=False):
        found = np.argsort(-(sounds @ seen[query]), kind="stable")[:_N_FOUND]
        label = data.target[rows[query]]
        examples.append(
            {
                "query": str(label),
                "picture": show(data.images[rows[query]]),
                "found": [
                    {
                        "label": str(data.target[rows[item]]),
                        "right": bool(data.target[rows[item]] == label),
                        "picture": show(data.images[rows[item]]),
                    }
                    for item in found
                ],
            }
        )
    return examples
