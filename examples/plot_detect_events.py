"""
What is heard when
==================

In frame mode ``ZeroShotClassifier`` labels each second of a recording: "where in this hour
does glass break?" This example runs offline, on a generated recording, in a space that
``stand_in.py`` learns in some seconds. For real use::

    labels = ["glass breaking", "footsteps", "silence"]
    classifier = ZeroShotClassifier(labels, mode="frame").fit()
    classifier.predict_events(["hour.wav"])

which fetches the weights of Wav2CLIP and of CLIP once. A recording of any length is read in
bounded memory.
"""

# %%
# A recording of a minute and a half, with events of four kinds one after another.

import matplotlib.pyplot as plt
from sklearn.frozen import FrozenEstimator
from stand_in import QUIET, label_seconds, learn_space_of_seconds, make_recording

from skw2c import ZeroShotClassifier

kinds = ["bell", "siren", "rain", "bark"]
recording, truth = make_recording(kinds, n_clips=18, seed=3)

# %%
# The space of sounds and words, and a classifier of seconds. One label stands for "nothing
# of all this", or else each second would have to be one of the four kinds.

encoder, words = learn_space_of_seconds(kinds)
classifier = ZeroShotClassifier(
    [*kinds, QUIET],
    encoder=FrozenEstimator(encoder),
    text_encoder=words,
    mode="frame",
    temperature=0.1,
).fit()
events = classifier.predict_events([recording])
print(events[events["label"] != QUIET].head(10).to_string(index=False))

# %%
# How many of the seconds are right, where a second counts as what fills most of it.

probabilities = classifier.predict_proba([recording])[0]
times = classifier.frame_times(len(probabilities))
right = classifier.predict([recording])[0] == label_seconds(truth, times, kinds)
print(f"{right.mean():.0%} of {len(right)} seconds are right")

# %%
# As a picture: probabilities over time, and under them what is really there.

figure, (upper, lower) = plt.subplots(
    2, 1, figsize=(9, 5), sharex=True, layout="constrained", height_ratios=[2, 1]
)
order = [classifier.classes_.tolist().index(label) for label in [*kinds, QUIET]]
upper.imshow(
    probabilities[:, order].T,
    aspect="auto",
    cmap="viridis",
    extent=(times[0, 0], times[-1, 1], len(order) - 0.5, -0.5),
)
upper.set_yticks(range(len(order)), [*kinds, QUIET])
upper.set_title("Probability of each label, second by second")
for row, kind in enumerate(kinds):
    own = truth[truth["label"] == kind]
    lower.barh([row] * len(own), own["offset"] - own["onset"], left=own["onset"], height=0.7)
lower.set_yticks(range(len(kinds)), kinds)
lower.invert_yaxis()
lower.set(xlabel="seconds", title="Truth")
plt.show()
