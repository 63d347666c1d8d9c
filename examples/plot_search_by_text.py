"""
Find sounds by words
====================

``AudioIndex`` ranks sounds by words, by other sounds, by pictures or by vectors. This
example runs offline, on generated sounds, in a space that ``stand_in.py`` learns in
some seconds. For real use, with file names::

    index = AudioIndex(on_error="nan", verbose=True).fit(files)
    index.search("a dog barks in the distance")
    index.search("photo.jpg", by="image")

which fetches the weights of Wav2CLIP and of CLIP once.
"""

# %%
# A collection of sounds, and an index of it.

import tempfile

import matplotlib.pyplot as plt
from sklearn.frozen import FrozenEstimator
from stand_in import learn_space

from skw2c import AudioIndex, metrics
from skw2c.datasets import make_sound_events

encoder, words = learn_space()
sounds = make_sound_events(120, random_state=0)
labels = sounds.target_names[sounds.target]
names = [f"{label} {number}" for number, label in enumerate(labels)]
index = AudioIndex(FrozenEstimator(encoder), text_encoder=words).fit(sounds.data, items=names)

# %%
# Search by words, and by a sound.

print(index.search("bell", k=5))
print(index.search(sounds.data[1], by="audio", k=5))

# %%
# An index is saved into a folder, and grows there: what is added later is written beside
# what is there.

with tempfile.TemporaryDirectory() as folder:
    index.save(folder)
    more = make_sound_events(12, random_state=1)
    again = AudioIndex.load(folder, encoder=FrozenEstimator(encoder), text_encoder=words)
    again.add(more.data, items=[f"new {number}" for number in range(12)]).save(folder)
    print(f"{len(index)} sounds, and after adding some {len(again)}")

# %%
# How good the search is: the share of right ones among the first results, for each word.

queries = [words[kind] for kind in sounds.target_names]
vectors = encoder.transform(sounds.data)
scores = metrics.retrieval_scores(queries, vectors, sounds.target_names, labels, k=(1, 5, 10))
chance = metrics.chance_reciprocal_rank(sounds.target_names, labels)
print(f"mean reciprocal rank {scores['mrr']:.2f}, by chance {chance:.2f}")

precision = [
    metrics.precision_at_k([words[kind]], vectors, [kind], labels, k=10)
    for kind in sounds.target_names
]
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.barh(sounds.target_names, precision)
axes.axvline(1 / len(sounds.target_names), color="black", linestyle=":", label="chance")
axes.invert_yaxis()
axes.set(xlabel="share of right ones among the first 10", xlim=(0, 1), title="Search by a word")
axes.legend()
plt.show()
