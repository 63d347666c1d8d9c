"""The features that are compared, each a scikit-learn transformer of clips."""

import hashlib

import joblib
import librosa
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

import skw2c
from skw2c import Wav2CLIPTransformer, load_audio


class MFCCTransformer(TransformerMixin, BaseEstimator):
    """Mean and deviation over time of mel-frequency cepstral coefficients: the floor.

    Parameters
    ----------
    n_mfcc : int, default=20
        Number of coefficients.
    memory : str or None, default=None
        Where to keep the statistics of each clip, by content.
    """

    def __init__(self, n_mfcc=20, memory=None):
        self.n_mfcc = n_mfcc
        self.memory = memory

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        memory = joblib.Memory(self.memory, verbose=0)
        statistics = memory.cache(compute_statistics, ignore=["clip"])
        return np.stack([statistics(_digest(clip), clip, self.n_mfcc) for clip in X])

    def __sklearn_is_fitted__(self):
        return True


def compute_statistics(digest, clip, n_mfcc):
    """Mean and deviation of the coefficients of a clip at 16 kHz: (2 * n_mfcc,)."""
    waveform, rate = load_audio(clip)
    coefficients = librosa.feature.mfcc(y=waveform, sr=rate, n_mfcc=n_mfcc)
    return np.concatenate([coefficients.mean(1), coefficients.std(1)])


def _digest(clip):
    programs = f"skw2c {skw2c.__version__}, librosa {librosa.__version__}"
    if isinstance(clip, str):
        with open(clip, "rb") as file:
            return f"{hashlib.file_digest(file, 'sha256').hexdigest()} {programs}"
    return f"{joblib.hash(clip)} {programs}"


def make_wav2clip(options):
    return Wav2CLIPTransformer(
        options.weights,
        output=options.output,
        device=options.device,
        n_jobs=options.n_jobs,
        memory=options.cache,
        random_state=options.seed,
        verbose=options.verbose,
    )


def make_mfcc(options):
    return MFCCTransformer(memory=options.cache)


FEATURES = {"wav2clip": make_wav2clip, "mfcc": make_mfcc}
