"""Ask the small encoder for sounds by words: figures on real recordings whose labels it never saw.

``python -m benchmarks.mini.zero_shot --data-root ESC-10`` prints the accuracy with each of thirteen
prompts, by class and with the confusions, and how well a search by the classes' words finds their
clips. ``--folder FOLDER`` asks for other files, which are named by what is heard in them, among all
of their names; ``--clip FOLDER`` asks in the space of CLIP too.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.datasets.readers.esc50 import load
from benchmarks.mini import targets
from skw2c import MiniTextEncoder, Wav2CLIPTransformer, ZeroShotClassifier, prettify_label
from skw2c.metrics import mean_average_precision
from skw2c.models.yamnet import audioset_classes

PROMPTS = (
    "{}",
    *("a sound of {}", "the sound of {}", "this is a sound of {}", "a recording of {}"),
    *("I can hear {}", "{} can be heard", "audio of {}", "a field recording of {}"),
    *("listen to {}", "a photo of {}", "noise from {}", "somewhere outside there was {}"),
)
"""The words themselves, and twelve ways to say them."""


IN_CLIP = {
    "dog": "Dog",
    "helicopter": "Helicopter",
    "chainsaw": "Chainsaw",
    "clock_tick": "Clock",
    "rooster": "Chicken, rooster",
    "crackling_fire": "Fire",
}
"""AudioSet's class of each class of ESC-10 that has a label of CLIP."""


def judge(vectors, labels, prompt):
    """The nearest of the labels for each vector."""
    classifier = ZeroShotClassifier(labels, encoder="passthrough", text_encoder="mini")
    return classifier.set_params(prompts=prompt).fit().predict(vectors)


def compare_prompts(vectors, truth):
    """Accuracy with each prompt."""
    labels = sorted(set(truth))
    right = {prompt: (judge(vectors, labels, prompt) == truth).mean() for prompt in PROMPTS}
    return pd.Series(right, name="accuracy")


def compare_classes(vectors, truth, prompt="{}"):
    """How many clips of each class (rows) are taken for each class (columns)."""
    labels = sorted(set(truth))
    return pd.crosstab(
        pd.Series(truth, name="heard"),
        pd.Series(judge(vectors, labels, prompt), name="said"),
    ).reindex(index=labels, columns=labels, fill_value=0)


def average_probability(vectors, truth):
    """Mean probability of the nearest class; it should be the accuracy."""
    temperature = Wav2CLIPTransformer(output="words").suggest_temperature()
    classifier = ZeroShotClassifier(
        sorted(set(truth)),
        encoder="passthrough",
        text_encoder="mini",
        temperature=temperature,
    )
    return classifier.fit().predict_proba(vectors).max(axis=1).mean()


def search(vectors, truth, prompt="{}"):
    """Mean average precision of a search for each class by its words, over all clips."""
    labels = sorted(set(truth))
    texts = [prompt.format(prettify_label(label)) for label in labels]
    queries = MiniTextEncoder().fit_transform(texts)
    return mean_average_precision(queries, vectors, labels, truth)


def judge_by_clip(data, weights, folder):
    """Accuracy in the space of CLIP, for the six classes of ESC-10 that have a label there.

    Parameters
    ----------
    data : AudioDataset
        ESC-10 or ESC-50.
    weights : str
        Of the encoder.
    folder : Path
        Vectors of CLIP, see `targets.read_labels`.
    """
    columns, vectors, _ = targets.read_labels(folder)
    known = dict(zip(columns, vectors, strict=True))
    classes = audioset_classes()
    table = {label: known[classes.index(name)] for label, name in IN_CLIP.items()}
    data = data.take(np.isin(data.target, list(table)))
    classifier = ZeroShotClassifier(
        list(table), encoder=Wav2CLIPTransformer(weights), text_encoder=table
    )
    return (classifier.fit().predict(data.clips) == data.target).mean()


def read_named(folder):
    """Sound files below a folder, and the words of their names."""
    files = sorted(
        path
        for path in Path(folder).rglob("*")
        if path.suffix in (".ogg", ".wav") and "_desc" not in path.stem
    )
    return [str(file) for file in files], np.array([prettify_label(file.stem) for file in files])


def rank_names(vectors, names):
    """Accuracy, share among the first five, and mean reciprocal rank of each file's own name."""
    labels = sorted(set(names))
    scores = vectors @ MiniTextEncoder().fit_transform(labels).T  # one length in each row
    own = scores[np.arange(len(names)), np.searchsorted(labels, names)]
    ranks = 1 + (scores > own[:, None]).sum(axis=1)
    figures = {
        "files": len(names),
        "names": len(labels),
        "accuracy": (ranks == 1).mean(),
        "among the first five": (ranks <= 5).mean(),
        "mean reciprocal rank": (1 / ranks).mean(),
        "by chance": 1 / len(labels),
    }
    return pd.Series(figures, name="value")


def main(arguments=None):
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, help="folder of ESC-10 or ESC-50")
    parser.add_argument("--folder", type=Path, help="folder of files named by what is heard")
    parser.add_argument("--clip", type=Path, help="folder of CLIP's vectors of labels")
    parser.add_argument("--weights", default="mini", help="another file of the same kind")
    options = parser.parse_args(arguments)
    encoder = Wav2CLIPTransformer(options.weights, output="words").fit()
    tables = []
    if options.data_root is not None:
        data = load(options.data_root)
        vectors, truth = encoder.transform(data.clips), np.array(data.target)
        tables += [compare_prompts(vectors, truth), compare_classes(vectors, truth)]
        figures = {
            "text search, mean average precision": search(vectors, truth),
            "mean probability of what is said": average_probability(vectors, truth),
        }
        if options.clip is not None:
            by_clip = judge_by_clip(data, options.weights, options.clip)
            figures["six classes by the vectors of CLIP, accuracy"] = by_clip
        tables.append(pd.Series(figures, name="value"))
    if options.folder is not None:
        clips, names = read_named(options.folder)
        tables.append(rank_names(encoder.transform(clips), names))
    print("\n\n".join(table.to_markdown(floatfmt=".3f") for table in tables))
    return 0


if __name__ == "__main__":
    sys.exit(main())
