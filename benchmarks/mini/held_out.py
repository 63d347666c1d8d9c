"""How the small encoder does with words that it never saw: classes held out of its space.

Classes of AudioSet are drawn, and all classes whose names mean nearly the same are left out with
them. The space of words is spanned by the others, and the projection into it is fitted to what the
teacher hears of these. Then, on packages that nothing was trained on, sounds in which the teacher
hears one of those that were drawn are named by words, among all that were drawn.

``python -m benchmarks.mini.held_out --run RUN`` takes the folder that ``benchmarks.mini.train``
left, with examples of both parts.
"""

import argparse
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from benchmarks.mini import targets
from benchmarks.mini.projection import WORD_SCALE, fit_projection
from benchmarks.mini.space import span_names
from benchmarks.mini.train import embed, list_chunks, parse_arguments, read_scores, read_sounds
from skw2c import Wav2CLIPTransformer
from skw2c.models.wav2clip._wav2clip_network import Projection
from skw2c.models.words import FrozenWords, read_words
from skw2c.models.yamnet import audioset_classes
from skw2c.weights import refer_to

NEARLY_THE_SAME = 0.6
"""Cosine of the meanings of two names, as the encoder of words has them."""

HEARD = 0.2
"""Score from which the teacher hears a class."""


@dataclass
class Part:
    """Sounds as vectors of the encoder (n, n_features), and the teacher's scores (n, 521)."""

    features: np.ndarray
    scores: np.ndarray


def draw_classes(meanings, n_classes, seed):
    """Draw classes, and list those that remain when all near to them are left out."""
    drawn = np.random.default_rng(seed).choice(len(meanings), n_classes, replace=False)
    near = (meanings @ meanings[drawn].T).max(axis=1) >= NEARLY_THE_SAME
    return np.sort(drawn), np.flatnonzero(~near)


def judge(words, training, testing, n_classes, seed):
    """Accuracy of the words, of the nearest known name, and of chance."""
    names = np.array(audioset_classes())
    meanings = FrozenWords(words).encode_texts(names, "semantic")
    drawn, known = draw_classes(meanings, n_classes, seed)
    space = FrozenWords(span_names(words, names[known]))
    shares, rows = targets.share_out(training.scores[:, known], training.scores.mean(0)[known])
    labels = space.encode_texts(names[known])
    entries = fit_projection(training.features[rows], shares, labels, scale=WORD_SCALE)
    asked = testing.scores[:, drawn].max(axis=1) >= HEARD
    best = testing.scores[asked][:, drawn].argmax(axis=1)
    vectors = _project(entries, testing.features[asked])
    said = (vectors @ space.encode_texts(names[drawn]).T).argmax(axis=1)
    nearest = known[(meanings[drawn] @ meanings[known].T).argmax(axis=1)]
    instead = testing.scores[asked][:, nearest].argmax(axis=1)
    return {
        "seed": seed,
        "left out": len(names) - len(known),
        "sounds": int(asked.sum()),
        "by words": (said == best).mean(),
        "teacher, nearest known name": (instead == best).mean(),
        "chance": 1 / n_classes,
    }


def _project(entries, features):
    width = len(entries["sequential.3.bias"])
    projection = Projection(features.shape[1], width, width).eval()
    projection.load_state_dict(entries)
    with torch.no_grad():
        return projection(torch.from_numpy(features)).numpy()


def read_part(part, options, encoder):
    """Examples of a part of the run."""
    arguments = ["project", "--out", options.run, "--part", part, "--n-examples"]
    paths = list_chunks(parse_arguments([*arguments, str(options.n_examples[part])]))
    sounds = read_sounds(paths).numpy()
    return Part(embed(sounds, np.arange(len(sounds)), encoder), read_scores(paths))


def main(arguments=None):
    """Print the table, a row for each draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, help="folder of the training")
    parser.add_argument("--weights", default="mini", help="file of the encoder")
    parser.add_argument("--n-classes", type=int, default=60)
    parser.add_argument("--n-draws", type=int, default=5)
    parser.add_argument("--n-training", type=int, default=12_000)
    parser.add_argument("--n-testing", type=int, default=2000)
    options = parser.parse_args(arguments)
    options.n_examples = {"examples": options.n_training, "heldout": options.n_testing}
    encoder = Wav2CLIPTransformer(options.weights, output="encoder").fit()
    training, testing = (read_part(part, options, encoder) for part in options.n_examples)
    words = read_words(refer_to(options.weights).read(), options.weights)
    rows = [
        judge(words, training, testing, options.n_classes, seed) for seed in range(options.n_draws)
    ]
    print(pd.DataFrame(rows).round(3).astype(object).to_markdown(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
