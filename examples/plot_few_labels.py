"""
Label a thousand clips with twenty labels
=========================================

A frozen encoder knows much of what tells sounds apart before it has seen a label. Then a few
labels, each of a clip that stands for many others, name the rest. Runs offline.
"""

# %%
# A thousand short clips of ten kinds, and their vectors. For real use, a list of file names.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skw2c import Wav2CLIPTransformer
from skw2c.datasets import SOUND_KINDS, make_sound_events

kinds = SOUND_KINDS[:10]
X, y = make_sound_events(1000, kinds=kinds, duration=1, return_X_y=True, random_state=0)
vectors = Wav2CLIPTransformer("mini", output="encoder").fit_transform(X)
vectors = StandardScaler().fit_transform(vectors)

# %%
# Which clips are worth a label? The clip nearest to the centre of each cluster stands for it. The
# alternative is to label clips at random.


def choose_typical(n_labels):
    """The clip that is nearest to each of the centres of as many clusters."""
    distances = KMeans(n_labels, n_init=3, random_state=0).fit_transform(vectors)
    return distances.argmin(axis=0)


def choose_randomly(n_labels):
    """Clips at random, of more than one kind."""
    return np.random.default_rng(0).choice(len(X), n_labels, replace=False)


def accuracy(chosen):
    """How many of the other clips get their right name."""
    classifier = LogisticRegression(C=0.1, max_iter=1000).fit(vectors[chosen], y[chosen])
    others = np.setdiff1d(np.arange(len(X)), chosen)
    return classifier.score(vectors[others], y[others])


numbers = [10, 20, 40, 80, 160]
typical = [accuracy(choose_typical(number)) for number in numbers]
random = [accuracy(choose_randomly(number)) for number in numbers]
print(f"20 labels name {typical[1]:.0%} of {len(X) - 20} other clips; chance is 10 %")

# %%
# How the accuracy grows with the number of labels.

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.plot(numbers, typical, marker="o", label="of typical clips, one a cluster")
axes.plot(numbers, random, marker="s", label="of clips at random")
axes.axhline(0.1, color="grey", linestyle=":", label="chance")
axes.set(xscale="log", xticks=numbers, xticklabels=numbers, ylim=(0, 1))
axes.set(xlabel="number of labels", ylabel="accuracy on all other clips")
axes.legend()
plt.show()
