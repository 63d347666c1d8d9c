"""
What is heard when
==================

In frame mode ``ZeroShotClassifier`` labels each second of a recording: "where in this hour
does glass break?" This example runs offline, in a small generated world: its encoder of
sound was distilled from what a small CLIP sees (some minutes of training the first time,
kept in the cache). For real use::

    labels = ["glass breaking", "footsteps", "silence"]
    classifier = ZeroShotClassifier(labels, encoder="mini", mode="frame").fit()
    classifier.predict_events(["hour.wav"])

which needs no network; ``encoder="clap"`` is stronger, and downloads 615 MB once. A recording of
any length is read in bounded memory.
"""

# %%
# A recording of a minute and a half, with events of four kinds one after another.

import matplotlib.pyplot as plt
import numpy as np

from skw2c import CLIPTextEncoder, Wav2CLIPTransformer, ZeroShotClassifier, make_small_world
from skw2c.datasets import make_audiovisual_events

QUIET = "nothing"
kinds = ["bell", "siren", "whistle", "buzzer"]
clips = make_audiovisual_events(18, kinds=kinds, snr=(10.0, 20.0), random_state=3)
recording = np.concatenate(clips.data)
truth = clips.events.copy()
truth[["onset", "offset"]] += 5 * truth[["row"]].to_numpy()

# %%
# A classifier of seconds. One label stands for "nothing of all this", or else each second
# would have to be one of the four kinds. The labels come as a table of vectors, each the
# mean of some phrases.

world = make_small_world()
reader = CLIPTextEncoder(world.clip, normalize=True).fit()
phrases = {kind: [f"the sound of a {kind}", f"a picture of a {kind}"] for kind in kinds}
phrases[QUIET] = [f"an empty {scene}, nothing is heard" for scene in clips.scene_names]
classifier = ZeroShotClassifier(
    [*kinds, QUIET],
    encoder=Wav2CLIPTransformer(world.encoder),
    text_encoder={label: reader.transform(own).mean(axis=0) for label, own in phrases.items()},
    mode="frame",
    temperature=0.05,
).fit()
events = classifier.predict_events([recording])
print(events[events["label"] != QUIET].head(10).to_string(index=False))

# %%
# How many of the seconds are right, where a second counts as what fills most of it.

probabilities = classifier.predict_proba([recording])[0]
times = classifier.frame_times(len(probabilities))
filled = []
for kind in kinds:
    own = truth[truth["label"] == kind]
    overlap = np.minimum(times[:, 1:], own["offset"]) - np.maximum(times[:, :1], own["onset"])
    filled.append(np.clip(overlap, 0, None).sum(axis=1))
filled.append(np.full(len(times), 0.25))
right = classifier.predict([recording])[0] == np.array([*kinds, QUIET])[np.argmax(filled, axis=0)]
chance = 1 / len(classifier.classes_)
print(f"{right.mean():.0%} of {len(right)} seconds are right; {chance:.0%} would be by chance")

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
