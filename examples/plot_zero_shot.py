"""
Give sounds labels that you name
================================

``ZeroShotClassifier`` compares the vector of a sound with the vectors of words, and is
never trained on the labels. This example runs offline, in a small generated world: its
encoder of sound was distilled from what a small CLIP sees (some minutes of training the
first time, kept in the cache). For real use none of it is needed::

    classifier = ZeroShotClassifier(["dog", "rain", "church bells"], encoder="mini")
    classifier.fit().predict(["a.wav", "b.wav"])

which needs no network; ``encoder="clap"`` is stronger, and downloads 615 MB once.
"""

# %%
# The small world, and its CLIP, which reads words.

import matplotlib.pyplot as plt
import numpy as np

from skw2c import CLIPTextEncoder, Wav2CLIPTransformer, ZeroShotClassifier, make_small_world
from skw2c.datasets import make_audiovisual_events

world = make_small_world()
encoder, words = Wav2CLIPTransformer(world.encoder), CLIPTextEncoder(world.clip)
print(f"The encoder has heard: {', '.join(world.kinds)}; never: {', '.join(world.left_out)}")

# %%
# New sounds, and the labels to choose from. ``fit`` hears nothing: it only reads the words.

kinds = ["bell", "bird", "siren", "knock", "whistle", "buzzer"]
sounds = make_audiovisual_events(60, kinds=kinds, random_state=1)
truth = sounds.target_names[sounds.target]
classifier = ZeroShotClassifier(
    kinds,
    encoder=encoder,
    text_encoder=words,
    prompts=["the sound of a {}", "a picture of a {}"],
    temperature=0.05,
).fit()
print(f"accuracy on {len(truth)} clips: {classifier.score(sounds.data, truth):.2f}")

# %%
# The probability of each label, for the first clips. Another question needs no training
# either: any words in place of ``kinds`` will do.

shown = np.argsort(sounds.target[:24], kind="stable")
probabilities = classifier.predict_proba([sounds.data[row] for row in shown])
figure, axes = plt.subplots(figsize=(6, 7), layout="constrained")
image = axes.imshow(probabilities, vmin=0, vmax=1, cmap="viridis", aspect="auto")
axes.set_xticks(range(len(classifier.classes_)), classifier.classes_)
axes.set_yticks(range(len(shown)), truth[shown])
axes.set(xlabel="label", ylabel="what the clip holds", title="Probability of each label")
figure.colorbar(image, ax=axes)
plt.show()
