"""Tell the classes of ESC-10 by text alone: the small encoder, and YAMNet beside it.

Six of the classes have a label among the vectors of CLIP that are at hand. The small encoder
takes the class whose label is nearest to the sound; YAMNet takes the one it scores highest.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.datasets.readers.esc50 import load
from benchmarks.mini import targets
from skw2c import Wav2CLIPTransformer, YAMNetTransformer
from skw2c.models.yamnet import audioset_classes

CLASSES = {
    "dog": "Dog",
    "helicopter": "Helicopter",
    "chainsaw": "Chainsaw",
    "clock_tick": "Clock",
    "rooster": "Chicken, rooster",
    "crackling_fire": "Fire",
}
"""AudioSet's class of each, which has a label of CLIP."""


def nearest(vectors, labels):
    """Row of the label with the largest cosine, for each vector."""
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors @ labels.T).argmax(axis=1)


def evaluate(data, options):
    """Accuracy of both, over all classes and for each."""
    columns, vectors, names = targets.read_labels(options.clip)
    classes = audioset_classes()
    places = [list(columns).index(classes.index(name)) for name in CLASSES.values()]
    data = data.take(np.isin(data.target, list(CLASSES)))
    truth = np.array([list(CLASSES).index(label) for label in data.target])
    mini = Wav2CLIPTransformer(options.weights).fit(None)
    yamnet = YAMNetTransformer(options.yamnet, output="scores").fit(None)
    answers = {
        "Wav2CLIP mini, CLIP's labels": nearest(mini.transform(data.clips), vectors[places]),
        "YAMNet, its own scores": yamnet.transform(data.clips)[:, columns[places]].argmax(axis=1),
    }
    rows = []
    for name, answer in answers.items():
        right = answer == truth
        of_class = {
            f"{label} ({names[place]})": right[truth == row].mean()
            for row, (label, place) in enumerate(zip(CLASSES, places, strict=True))
        }
        rows.append({"system": name, "accuracy": right.mean(), **of_class})
    rows.append({"system": "chance", "accuracy": 1 / len(CLASSES)})
    return pd.DataFrame(rows).set_index("system").T


def main(arguments=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", required=True, type=Path, help="folder of ESC-10")
    parser.add_argument("--yamnet", required=True, help="weights of YAMNet")
    parser.add_argument("--clip", required=True, help="folder of CLIP's vectors of labels")
    parser.add_argument("--weights", default="mini")
    options = parser.parse_args(arguments)
    table = evaluate(load(options.data_root), options)
    print(table.map(lambda share: "" if np.isnan(share) else f"{100 * share:.1f}").to_markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
