"""
Classify sounds with a frozen encoder
=====================================

A pipeline embeds clips with Wav2CLIP and classifies the vectors. It runs offline: the
sounds are generated and the encoder is untrained. For real use, pass a list of file names
in place of ``sounds.data``, and drop ``weights=None``.
"""

# %%
# The data: waveforms at 16 kHz, twelve kinds of sound.

import matplotlib.pyplot as plt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skw2c import Wav2CLIPTransformer
from skw2c.datasets import make_sound_events

sounds = make_sound_events(300, random_state=0)
labels = sounds.target_names[sounds.target]
X_train, X_test, y_train, y_test = train_test_split(
    sounds.data, labels, stratify=labels, random_state=0
)

# %%
# The pipeline. ``output="encoder"`` takes the vector before it is projected into CLIP's
# space, which carries more when nothing is trained.

pipeline = make_pipeline(
    Wav2CLIPTransformer(weights=None, output="encoder", random_state=0),
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
