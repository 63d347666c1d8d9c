"""
Outliers in the sound of a machine
==================================

A machine that runs well sounds much the same from day to day, and nobody has recordings of
each way in which it may fail. So the normal sound alone is learned, and what lies far from it
is listened to. Runs offline.
"""

# %%
# Recordings of an engine: eighty to learn from, and others, in some of which something else is
# to be heard, faintly. For real use, lists of file names.

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Audio
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skw2c import Wav2CLIPTransformer
from skw2c.datasets import make_sound_events

engine = make_sound_events(140, kinds=["engine"], duration=3, snr=(10, 30), random_state=0).data
faults = make_sound_events(30, kinds=["tick", "knock", "whistle"], duration=3, random_state=1)
normal, later = engine[:80], engine[80:]
levels = np.repeat([-6, -12, -18], 10)  # dB, relative to the engine
for row, (fault, level) in enumerate(zip(faults.data, levels, strict=True)):
    gain = 10 ** (level / 20) * np.std(later[row]) / np.std(fault)
    later[row] = later[row] + gain * fault
is_faulty = np.arange(len(later)) < len(levels)

# %%
# ``LocalOutlierFactor`` compares how alone a vector is with how alone its neighbours are. Fitting
# takes the normal recordings only.

detector = make_pipeline(
    Wav2CLIPTransformer("mini", output="encoder"),
    StandardScaler(),
    LocalOutlierFactor(n_neighbors=10, novelty=True),
).fit(normal)
scores = -detector.score_samples(later)
print(f"area under the ROC curve: {roc_auc_score(is_faulty, scores):.2f}")

# %%
# The most unusual recording:

order = np.argsort(-scores)
Audio(later[order[0]], rate=16000)

# %%
# On average, the louder the fault, the further out. Whoever listens in this order hears most of the
# loud faults early, and some of the faint ones late.

colours = {-6: "tab:red", -12: "tab:orange", -18: "gold"}
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.bar(range(len(order)), scores[order], color="lightgrey", label="normal")
for level, colour in colours.items():
    places = np.flatnonzero(is_faulty[order])
    places = [place for place in places if levels[order[place]] == level]
    axes.bar(places, scores[order][places], color=colour, label=f"with a fault, {level} dB")
axes.set(xlabel="rank", ylabel="local outlier factor", title="Later recordings, most unusual first")
axes.legend()
plt.show()
