"""What int8 gains and what it costs: ``python -m benchmarks.speed.precision --data-root ESC10``.

The networks run in turns in one process, each on one thread of ONNX Runtime. Vectors, neighbours
and figures are compared on the clips of ESC-10 or ESC-50, on which nothing is calibrated: for mini,
and for each file of weights that is given beside it.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.datasets.readers.esc50 import load
from skw2c import Wav2CLIPTransformer, ZeroShotClassifier

PRECISIONS = ("float32", "int8")
SAMPLES = 5 * 16000


def time_networks(encoders, rounds):
    """Milliseconds of processor time for 5 seconds of sound in each encoder's network, in turns."""
    clip = np.random.default_rng(0).normal(size=SAMPLES).astype(np.float32)
    networks = [encoder._network() for encoder in encoders]
    inputs = [network.prepare(clip, None)[:, None] for network in networks]
    taken = [[] for _ in networks]
    for _ in range(rounds):
        for network, given, times in zip(networks, inputs, taken, strict=True):
            start = time.thread_time()
            network._network(given)
            times.append(1e3 * (time.thread_time() - start))
    return [statistics.median(times) for times in taken]


def list_neighbours(vectors, k=10):
    """The k nearest of the other rows, for each row."""
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarities = directions @ directions.T
    np.fill_diagonal(similarities, -np.inf)
    return np.argsort(-similarities, axis=1)[:, :k]


def compare(exact, rough):
    """How near two tables of vectors of the same clips are."""
    norms = np.linalg.norm(exact, axis=1) * np.linalg.norm(rough, axis=1)
    cosines = (exact * rough).sum(axis=1) / norms
    pairs = zip(list_neighbours(exact), list_neighbours(rough), strict=True)
    kept = np.mean([len({*one} & {*other}) / len(one) for one, other in pairs])
    return {"cosine, least": cosines.min(), "cosine, mean": cosines.mean(), "top 10 kept": kept}


def classify(vectors, data):
    """Accuracy of logistic regression over the folds of the data set."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return cross_val_score(model, vectors, data.target, cv=PredefinedSplit(data.fold)).mean()


def judge_by_words(vectors, data):
    """Accuracy of the class whose name is nearest."""
    labels = sorted(set(data.target))
    classifier = ZeroShotClassifier(
        labels, encoder="passthrough", text_encoder="mini", prompts="{}"
    )
    return (classifier.fit().predict(vectors) == data.target).mean()


def measure(weights, data, rounds):
    """Rows of the table for one network, by what the encoder gives."""
    made = [
        Wav2CLIPTransformer(weights, precision=precision, device="onnxruntime").fit()
        for precision in PRECISIONS
    ]
    slow, fast = time_networks(made, rounds)
    rows = []
    for output in made[0]._widths:
        exact, rough = (e.set_params(output=output).fit_transform(data.clips) for e in made)
        row = {"weights": Path(weights).name, "output": output, **compare(exact, rough)}
        for name, vectors in zip(PRECISIONS, (exact, rough), strict=True):
            judge = judge_by_words if output == "words" else classify
            row[f"accuracy, {name}"] = judge(vectors, data)
        rows.append(row)
    rows[0] |= {"ms, float32": slow, "ms, int8": fast, "ratio": slow / fast}
    return rows


def main(arguments=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True, help="folder of ESC-10 or ESC-50")
    parser.add_argument("--weights", nargs="*", default=[], help="more files of weights")
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args(arguments)
    data = load(options.data_root)
    rows = [
        row
        for weights in ["mini", *options.weights]
        for row in measure(weights, data, options.rounds)
    ]
    print(pd.DataFrame(rows).to_markdown(index=False, floatfmt=".4f"))
    print(
        "\nms: processor time of the network alone for a clip of 5 seconds, median of "
        f"{options.rounds} turns. accuracy: by words alone for `words`, of logistic regression "
        "over the folds for the others."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
