"""
Choose an encoder
=================

All encoders take the same clips and give tables of numbers, so that one is exchanged for another
in a line. This example lists those that there are, and compares those whose weights are at hand,
which offline is the one in the package, with two controls: a network of random weights, and the
mean spectrum. Once others are in the cache (``skw2c.weights.fetch_weights("mn10")``), they come
into the comparison by themselves.
"""

# %%
# What there is: the rate that each network takes in Hz, the numbers of a vector, millions of
# parameters, and whether words or pictures can be compared with its vectors. ``skw2c encoders``
# prints the same in the shell.

import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skw2c import YAMNetTransformer, list_encoders, make_encoder
from skw2c.datasets import make_sound_events

encoders = pd.DataFrame(list_encoders()).set_index("encoder")
print(encoders.to_string())

# %%
# Those at hand. Names that share a row are one encoder: the first will do.

here = encoders.index[~encoders["weights"].astype(str).str.startswith("to fetch")]
compared = {names: make_encoder(names.split(", ")[0]) for names in here}
compared["random YAMNet"] = YAMNetTransformer(weights=None, random_state=0)
compared["mean spectrum"] = FunctionTransformer(
    lambda clips: np.log([np.abs(np.fft.rfft(clip))[:20000:100] + 1e-3 for clip in clips])
)

# %%
# Each is judged by what a simple classifier makes of its vectors, with few examples of each of
# twelve kinds of sound, and by the time that it takes. Generated sounds are easy: with your own
# clips and labels in place of these, the table tells which encoder suits them.

sounds = make_sound_events(72, random_state=0)
rows = {}
for name, encoder in compared.items():
    start = time.perf_counter()
    vectors = np.asarray(encoder.fit(sounds.data).transform(sounds.data))
    seconds = time.perf_counter() - start
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    accuracy = cross_val_score(classifier, vectors, sounds.target, cv=3)
    rows[name] = {
        "accuracy": accuracy.mean(),
        "numbers": vectors.shape[1],
        "clips per second": len(sounds.data) / seconds,
    }
table = pd.DataFrame(rows).T
print(table.round(3).to_string())

# %%
# The further up and to the right, the better.

figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.scatter(table["clips per second"], table["accuracy"])
for name, row in table.iterrows():
    place = (row["clips per second"], row["accuracy"])
    axes.annotate(name, place, xytext=(0, 6), textcoords="offset points", ha="center")
axes.margins(x=0.2)
axes.set(xscale="log", xlabel="clips per second", ylabel="accuracy", ylim=(0, 1.05))
axes.set_title("Accuracy and speed on generated sounds")
plt.show()
