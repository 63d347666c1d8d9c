"""
Classify sounds with a frozen encoder
=====================================

A pipeline embeds clips with Wav2CLIP and classifies the vectors. It runs offline: the
sounds are generated, and the encoder was distilled in a small generated world (some minutes
of training the first time, kept in the cache). For real use, pass a list of file names in
place of ``clips.data``, and no ``weights``.
"""

# %%
# The data: waveforms at 16 kHz, of ten kinds of sound that the encoder has heard, and of two
# that it has never heard.

import matplotlib.pyplot as plt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skw2c import Wav2CLIPTransformer, make_small_world
from skw2c.datasets import make_audiovisual_events

world = make_small_world()
clips = make_audiovisual_events(300, random_state=1)
labels = clips.target_names[clips.target]
X_train, X_test, y_train, y_test = train_test_split(
    clips.data, labels, stratify=labels, random_state=0
)

# %%
# The pipeline. ``output="encoder"`` takes the vector before it is projected into CLIP's
# space, which carries more of what CLIP does not see.

pipeline = make_pipeline(
    Wav2CLIPTransformer(world.encoder, output="encoder"),
    StandardScaler(),
    LogisticRegression(max_iter=1000),
)
pipeline.fit(X_train, y_train)
print(f"accuracy on {len(X_test)} held-out clips: {pipeline.score(X_test, y_test):.2f}")

# %%
# Which kinds are taken for which others.

display = ConfusionMatrixDisplay.from_estimator(
    pipeline, X_test, y_test, xticks_rotation="vertical", colorbar=False
)
display.figure_.set_size_inches(6, 6)
display.figure_.tight_layout()
plt.show()
