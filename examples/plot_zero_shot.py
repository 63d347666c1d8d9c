"""
Give sounds labels that you name
================================

``ZeroShotClassifier`` compares the vector of a sound with the vectors of words, and is
never trained on the labels. This example runs offline, on generated sounds, in a space that
``stand_in.py`` learns in some seconds. For real use none of it is needed::

    classifier = ZeroShotClassifier(["dog", "rain", "church bells"])
    classifier.fit().predict(["a.wav", "b.wav"])

which fetches the weights of Wav2CLIP and of CLIP once.
"""

# %%
# A space in which sounds and words meet. ``words`` is a table of label vectors; a real one
# may hold any vectors that some model has made.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.frozen import FrozenEstimator
from stand_in import learn_space

from skw2c import ZeroShotClassifier
from skw2c.datasets import make_sound_events

encoder, words = learn_space()
print(f"{len(words)} words: {', '.join(sorted(words))}")

# %%
# Sounds that were not among those, and the labels to choose from. ``fit`` hears nothing: it
# only looks up the words.

kinds = ["bell", "bird", "siren", "rain", "knock", "bark"]
sounds = make_sound_events(60, kinds=kinds, random_state=0)
truth = sounds.target_names[sounds.target]
classifier = ZeroShotClassifier(
    kinds, encoder=FrozenEstimator(encoder), text_encoder=words, temperature=0.1
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
