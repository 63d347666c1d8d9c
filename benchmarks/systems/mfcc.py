"""Mel-frequency cepstral coefficients: the floor that every encoder must beat."""

import librosa
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from skw2c import load_audio
from skw2c.exceptions import AudioError


class MFCCTransformer(TransformerMixin, BaseEstimator):
    """Mean and deviation over time of mel-frequency cepstral coefficients.

    Parameters
    ----------
    n_mfcc : int, default=20
        Number of coefficients.
    """

    def __init__(self, n_mfcc=20):
        self.n_mfcc = n_mfcc

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.stack([self._compute(clip) for clip in X])

    def __sklearn_is_fitted__(self):
        return True

    def _compute(self, clip):
        """Mean and deviation of the coefficients of a clip at 16 kHz: (2 * n_mfcc,)."""
        try:
            waveform, rate = load_audio(clip)
        except AudioError:
            return np.full(2 * self.n_mfcc, np.nan)
        coefficients = librosa.feature.mfcc(y=waveform, sr=rate, n_mfcc=self.n_mfcc)
        return np.concatenate([coefficients.mean(1), coefficients.std(1)])
