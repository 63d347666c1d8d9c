"""
Find duplicates and near duplicates
===================================

Libraries collect the same recording twice: louder, cut shorter, resampled, with noise. Copies
that are the same byte for byte are found by checksums; these are found by their vectors, most of
which lie closer together than those of different recordings of one kind. Runs offline.
"""

# %%
# Sixty sounds, and copies of twelve of them.

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Audio
from scipy.signal import resample_poly

from skw2c import Wav2CLIPTransformer
from skw2c.datasets import make_sound_events

rng = np.random.default_rng(0)
sounds = make_sound_events(60, duration=3, random_state=0)
changes = {
    "half as loud": lambda x: 0.5 * x,
    "0.3 s cut off": lambda x: x[4800:],
    "at 8 kHz": lambda x: resample_poly(resample_poly(x, 1, 2), 2, 1),
    "with noise": lambda x: x + 0.02 * np.std(x) * rng.standard_normal(len(x)),
}
originals = rng.choice(60, 12, replace=False)
names = [name for name in changes for _ in range(3)]
copies = [
    changes[name](sounds.data[row]).astype(np.float32)
    for name, row in zip(names, originals, strict=True)
]

# %%
# One of the copies at 8 kHz,

Audio(copies[names.index("at 8 kHz")], rate=sounds.sampling_rate)

# %%
# and its original.

Audio(sounds.data[originals[names.index("at 8 kHz")]], rate=sounds.sampling_rate)

# %%
# The cosine of each pair. Vectors of length 1 are compared by their product; the mean of all is
# taken away first, since it is what all sounds have in common.

vectors = Wav2CLIPTransformer("mini", output="encoder").fit_transform([*sounds.data, *copies])
vectors -= vectors.mean(axis=0)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
cosines = vectors @ vectors.T
np.fill_diagonal(cosines, -1)
first, second = np.nonzero(np.triu(cosines > 0.95))
print(f"{len(first)} pairs are near duplicates; {len(copies)} copies were made")

# %%
# Which sound is the nearest to each copy?

nearest = cosines[60:, :60].argmax(axis=1)
print(f"the nearest is the original for {np.mean(nearest == originals):.0%} of the copies")

# %%
# Pairs of different sounds, pairs of different sounds of one kind, and copies. Without
# the upper half of its frequencies a recording does sound different, and its vector says so.

same_kind = np.equal.outer(sounds.target, sounds.target)[np.triu_indices(60, 1)]
pairs = cosines[:60, :60][np.triu_indices(60, 1)]
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
bins = np.linspace(-0.6, 1, 65)
axes.hist(pairs[~same_kind], bins, density=True, alpha=0.7, label="of different kinds")
axes.hist(pairs[same_kind], bins, density=True, alpha=0.7, label="of the same kind")
for height, (name, marker) in enumerate(zip(changes, "osD^", strict=True), start=1):
    rows = [row for row, other in enumerate(names) if other == name]
    places = cosines[60 + np.array(rows), originals[rows]]
    axes.plot(places, np.full(3, 3.4 + 0.3 * height), marker, label=f"copies, {name}")
axes.set(xlabel="cosine", ylabel="density", title="How close are two sounds?")
axes.legend(fontsize="small", loc="upper left")
plt.show()
