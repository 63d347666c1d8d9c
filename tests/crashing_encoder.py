"""An encoder that some files kill, as a fault of a decoder would; workers import it by its name."""

import os
import signal
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from skw2c import CLIPVideoEncoder, load_audio


class CrashingTransformer(TransformerMixin, BaseEstimator):
    """Mean and power of a clip; the process dies at files whose names begin with a word."""

    def __init__(self, killer="poison"):
        self.killer = killer

    def fit(self, X=None, y=None):
        """Learn nothing."""
        return self

    def __sklearn_is_fitted__(self):
        return True

    def transform(self, X):
        """Two numbers for each clip."""
        for clip in X:
            if Path(clip).name.startswith(self.killer):
                os.kill(os.getpid(), signal.SIGKILL)
        waveforms = [load_audio(clip)[0] for clip in X]
        return np.array([[np.mean(w), np.mean(np.square(w))] for w in waveforms], np.float32)


class CrashingVideoEncoder(CLIPVideoEncoder):
    """Frames to vectors; the process dies at files whose names begin with "poison"."""

    def transform(self, X):
        """The vectors of the frames of each video."""
        for video in X:
            if Path(video).name.startswith("poison"):
                os.kill(os.getpid(), signal.SIGKILL)
        return super().transform(X)
