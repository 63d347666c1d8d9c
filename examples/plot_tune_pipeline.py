"""
Tune a pipeline
===============

An encoder is the first step of a pipeline like any other, so that its parameters and those of
the classifier behind it can be chosen together by a grid search. With ``memory`` each clip is
embedded once for each setting of the encoder, whatever follows. Runs offline.
"""

# %%
# Labelled sounds; for real use, a list of file names.

import tempfile

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skw2c import Wav2CLIPTransformer
from skw2c.datasets import make_sound_events

X, y = make_sound_events(96, snr=(-10, 10), duration=2, return_X_y=True, random_state=0)

# %%
# ``output`` says which numbers of the encoder are wanted: the embedding, the words' space, or the
# features below both. ``C`` is the strength of the classifier's regularisation.

cache = tempfile.TemporaryDirectory()
pipeline = make_pipeline(
    Wav2CLIPTransformer("mini", memory=cache.name),
    StandardScaler(),
    LogisticRegression(max_iter=2000),
)
grid = {
    "wav2cliptransformer__output": ["encoder", "embedding", "words"],
    "logisticregression__C": [0.001, 0.01, 0.1, 1.0],
}
folds = StratifiedKFold(4, shuffle=True, random_state=0)
search = GridSearchCV(pipeline, grid, cv=folds, refit=False).fit(X, y)
print(f"best: {search.best_params_}, accuracy {search.best_score_:.2f}")

# %%
# The mean accuracy of each combination.

results = pd.DataFrame(search.cv_results_)
table = results.pivot(
    index="param_wav2cliptransformer__output",
    columns="param_logisticregression__C",
    values="mean_test_score",
)
figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
table.T.plot(ax=axes, marker="o", logx=True)
axes.set(xlabel="C of the logistic regression", ylabel="accuracy, mean of 4 folds", ylim=(None, 1))
axes.set_title(f"Twelve kinds of sound, {len(X)} noisy clips")
axes.legend(title="output of the encoder")
plt.show()
cache.cleanup()
