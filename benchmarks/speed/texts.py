"""Texts per second of the encoder of words, on one core: ``python -m benchmarks.speed.texts``."""

import argparse
import itertools
import sys
import time

from skw2c import MiniTextEncoder

_WORDS = ("dog", "rain", "church bell", "engine", "old door", "crowd", "violin", "strong wind")
_DOING = ("in the distance", "ringing", "in a small room", "barking", "at night", "and laughter")


def list_texts(n_texts):
    """Short texts, all different."""
    pairs = itertools.product(range(n_texts), _WORDS, _DOING)
    return [f"{word} {doing} {number}" for number, word, doing in itertools.islice(pairs, n_texts)]


def main(arguments=None):
    """Print the best of several rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-texts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    texts, encoder = list_texts(options.n_texts), MiniTextEncoder().fit()
    encoder.transform(texts[:10])
    rates = []
    for _ in range(options.rounds):
        start = time.process_time()  # of all threads together
        encoder.transform(texts)
        rates.append(options.n_texts / (time.process_time() - start))
    print(f"{max(rates):,.0f} texts per second of processor time, the best of {len(rates)} rounds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
