"""
Classify sounds with a frozen encoder
=====================================

A pipeline embeds clips with Wav2CLIP and classifies the vectors. It runs offline, with the
small encoder that comes with the package, ``"mini"``, on generated sounds. For real use, pass
a list of file names in place of ``clips.data``; :doc:`/choosing` names other encoders.
"""

# %%
# The data: waveforms at 16 kHz, of twelve kinds of sound.

import matplotlib.pyplot as plt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skw2c import Wav2CLIPTransformer, make_small_world
from skw2c.datasets import make_audiovisual_events

clips = make_audiovisual_events(300, random_state=1)
labels = clips.target_names[clips.target]
X_train, X_test, y_train, y_test = train_test_split(
    clips.data, labels, stratify=labels, random_state=0
)

# %%
# The pipeline. ``output="encoder"`` takes the vector before it is projected into CLIP's
# space, which carries more of what CLIP does not see.


def make_classifier(weights):
    """From clips to labels, by a frozen encoder and a linear classifier."""
    return make_pipeline(
        Wav2CLIPTransformer(weights, output="encoder"),
        StandardScaler(),
        LogisticRegression(max_iter=1000),
    )


pipeline = make_classifier("mini").fit(X_train, y_train)
print(f"mini, accuracy on {len(X_test)} held-out clips: {pipeline.score(X_test, y_test):.2f}")

# %%
# ``"mini"`` learned from real recordings. An encoder that was distilled in the generated
# world knows ten of the twelve kinds of it (some minutes of training the first time, kept in
# the cache).

world = make_small_world()
at_home = make_classifier(world.encoder).fit(X_train, y_train)
print(f"distilled in the world of these sounds: {at_home.score(X_test, y_test):.2f}")

# %%
# Which kinds are taken for which others.

figure, axes = plt.subplots(1, 2, figsize=(11, 5.5), sharey=True, layout="constrained")
for panel, title, fitted in zip(
    axes, ("mini", "distilled in this world"), (pipeline, at_home), strict=True
):
    ConfusionMatrixDisplay.from_estimator(
        fitted, X_test, y_test, xticks_rotation="vertical", colorbar=False, ax=panel
    )
    panel.set_title(title)
plt.show()
