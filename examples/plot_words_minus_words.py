"""
Search by words minus words
===========================

Texts and sounds lie in one space, so that what is not wanted can be taken away from what is.
This example searches in scenes of two sounds each. Runs offline.
"""

# %%
# Scenes: of each, two kinds of sound, one after the other.

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Audio

from skw2c import AudioIndex, MiniTextEncoder
from skw2c.datasets import make_sound_events

WORDS = {
    "bird": "bird song",
    "siren": "police siren",
    "rain": "rain",
    "bark": "dog barking",
}
pairs = [pair for pair in combinations(WORDS, 2) for _ in range(6)]
parts = [
    make_sound_events(len(pairs) * 4, kinds=list(WORDS), duration=2, snr=(15, 30), random_state=k)
    for k in range(2)
]
scenes, names = [], []
for number, pair in enumerate(pairs):
    halves = [
        next(
            part.data[row]
            for row in range(4 * number, len(part.data))
            if part.target_names[part.target[row]] == kind
        )
        for part, kind in zip(parts, pair, strict=True)
    ]
    scenes.append(np.concatenate(halves))
    names.append(f"{pair[0]}, then {pair[1]} ({number})")

# %%
# The first of them:

print(names[0])
Audio(scenes[0], rate=16000)

# %%
# An index of the scenes, and the vectors of the words.

index = AudioIndex(encoder="mini").fit(scenes, items=names)
words = MiniTextEncoder().fit()
vectors = dict(zip(WORDS, words.transform(list(WORDS.values())), strict=True))
print(index.search(vectors["rain"], by="vector", k=12)[["item", "score"]])

# %%
# Rain, but no siren: the vector of one less that of the other.

wanted = index.search(vectors["rain"] - 0.7 * vectors["siren"], by="vector", k=12)
print(wanted[["item", "score"]])

# %%
# What each query finds, over all scenes: the mean score of the scenes of each pair of kinds.


def mean_scores(vector):
    """The mean score of the scenes of each pair."""
    found = index.search(vector, by="vector", k=len(scenes))
    kinds = found["item"].str.replace(r" \(\d+\)", "", regex=True)
    return found.groupby(kinds)["score"].mean()


plain = mean_scores(vectors["rain"])
without = mean_scores(vectors["rain"] - 0.7 * vectors["siren"])
order = plain.sort_values().index
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
places = np.arange(len(order))
axes.barh(places + 0.2, plain[order], 0.4, label="rain")
axes.barh(places - 0.2, without[order], 0.4, label="rain minus siren")
axes.set_yticks(places, order)
axes.set(xlabel="cosine, mean of six scenes")
axes.legend()
plt.show()
