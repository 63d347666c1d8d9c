"""
Describe sounds in sentences
============================

``AudioCaptioner`` learns to write a sentence about a sound from sounds with sentences. The
encoder stays frozen; a small decoder reads its vectors. Runs offline.
"""

# %%
# Sounds with sentences. Of each, some kinds of sound follow each other.

import matplotlib.pyplot as plt
import numpy as np

from skw2c import AudioCaptioner
from skw2c.datasets import make_sound_events
from skw2c.metrics import cider_d

PHRASES = {
    "bell": ["a bell rings", "someone rings a bell"],
    "bird": ["a bird sings", "a bird calls in the distance"],
    "rain": ["rain falls", "it rains on a roof"],
    "bark": ["a dog barks", "a dog is barking at someone"],
    "siren": ["a siren wails", "an ambulance passes with its siren"],
    "engine": ["an engine runs", "a motor is running"],
}
rng = np.random.default_rng(0)
kinds = list(PHRASES)
sounds = make_sound_events(210, kinds=kinds, duration=2, snr=(10, 30), random_state=0)
labels = sounds.target_names[sounds.target]
captions = [str(rng.choice(PHRASES[label])) for label in labels]

# %%
# A hundred and fifty of them are learned from.

captioner = AudioCaptioner("mini", max_epochs=15, random_state=0, verbose=False)
captioner.fit(sounds.data[:150], captions[:150])
written = captioner.predict(sounds.data[150:])
for label, caption in list(zip(labels[150:], written, strict=True))[:6]:
    print(f"{label:8} {caption}")

# %%
# How good are they? CIDEr-D compares them with all sentences that would have been right.

right = [PHRASES[label] for label in labels[150:]]
print(f"CIDEr-D: {cider_d(written, right):.2f}")

# %%
# Which kind of sound does each sentence speak of?

kind_of = {phrase: kind for kind, phrases in PHRASES.items() for phrase in phrases}
spoken_of = [kind_of.get(caption, "none") for caption in written]
columns = [*kinds, "none"]
table = np.zeros((len(kinds), len(columns)))
for label, kind in zip(labels[150:], spoken_of, strict=True):
    table[kinds.index(label), columns.index(kind)] += 1
figure, axes = plt.subplots(figsize=(6, 4.5), layout="constrained")
image = axes.imshow(table, cmap="viridis")
axes.set_xticks(range(len(columns)), columns)
axes.set_yticks(range(len(kinds)), kinds)
axes.set(xlabel="what the sentence speaks of", ylabel="what is heard")
figure.colorbar(image, ax=axes, label="clips")
plt.show()
