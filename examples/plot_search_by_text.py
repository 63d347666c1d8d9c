"""
Find sounds by words
====================

``AudioIndex`` ranks sounds by words, by other sounds, by images or by vectors. This
example runs offline, in a small generated world: its encoder of sound was distilled from
what a small CLIP sees (some minutes of training the first time, kept in the cache). For real
use, with file names::

    index = AudioIndex(encoder="mini", on_error="nan", verbose=True).fit(files)
    index.search("a dog barks in the distance")

which needs no network; ``encoder="clap"`` is stronger with words, and ``encoder="wav2clip"`` can
also be searched by images.
"""

# %%
# A collection of sounds, and an index of it.

import tempfile

import matplotlib.pyplot as plt

from skw2c import (
    AudioIndex,
    CLIPImageEncoder,
    CLIPTextEncoder,
    Wav2CLIPTransformer,
    make_small_world,
    metrics,
)
from skw2c.datasets import make_audiovisual_events

world = make_small_world()
sounds = make_audiovisual_events(120, kinds=world.kinds, random_state=1)
labels = sounds.target_names[sounds.target]
names = [f"{label} {number}" for number, label in enumerate(labels)]
index = AudioIndex(
    Wav2CLIPTransformer(world.encoder),
    text_encoder=CLIPTextEncoder(world.clip),
    image_encoder=CLIPImageEncoder(world.clip),
    prompts="the sound of a {}",
).fit(sounds.data, items=names)

# %%
# Search by words, by a sound, and by a picture of a thing while it sounds.

print(index.search("bell", k=5))
print(index.search(sounds.data[1], by="audio", k=5))
picture = sounds.frames[2][sounds.visible[2]][0]
print(f"a picture from {names[2]!r}:")
print(index.search(picture, by="image", k=5))

# %%
# An index is saved into a folder, and grows there: what is added later is written beside
# what is there.

with tempfile.TemporaryDirectory() as folder:
    index.save(folder)
    more = make_audiovisual_events(12, random_state=2)
    again = AudioIndex.load(folder)
    again.add(more.data, items=[f"new {number}" for number in range(12)]).save(folder)
    print(f"{len(index)} sounds, and after adding some {len(again)}")

# %%
# How good the search is: the share of right ones among the first results, for each word.

queries = CLIPTextEncoder(world.clip).fit_transform(
    [f"the sound of a {kind}" for kind in sounds.target_names]
)
vectors = Wav2CLIPTransformer(world.encoder).fit_transform(sounds.data)
scores = metrics.retrieval_scores(queries, vectors, sounds.target_names, labels, k=(1, 5, 10))
chance = metrics.chance_reciprocal_rank(sounds.target_names, labels)
print(f"mean reciprocal rank {scores['mrr']:.2f}, by chance {chance:.2f}")

precision = [
    metrics.precision_at_k([query], vectors, [kind], labels, k=10)
    for query, kind in zip(queries, sounds.target_names, strict=True)
]
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.barh(sounds.target_names, precision)
axes.axvline(1 / len(sounds.target_names), color="black", linestyle=":", label="chance")
axes.invert_yaxis()
axes.set(xlabel="share of right ones among the first 10", xlim=(0, 1), title="Search by a word")
axes.legend()
plt.show()
