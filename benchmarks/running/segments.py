"""Clips second by second: each piece is embedded by itself, by whatever encoder."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from skw2c import load_audio
from skw2c.exceptions import AudioError

_SHORTEST = 0.5


class SegmentTransformer(TransformerMixin, BaseEstimator):
    """Vectors of the seconds of clips, which do not overlap.

    A last piece of half a segment or more is filled up with zeros, a shorter one is dropped;
    a clip shorter than one segment is filled up.

    Parameters
    ----------
    encoder : transformer
        Embeds pieces of sound, as arrays.
    seconds : float, default=1.0
        Length of a piece.
    sampling_rate : int, default=16000
        Rate of the arrays, in Hz, which the encoder takes as its own parameter.
    """

    def __init__(self, encoder, seconds=1.0, sampling_rate=16000):
        self.encoder = encoder
        self.seconds = seconds
        self.sampling_rate = sampling_rate

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        pieces = [self._cut(clip) for clip in X]
        all_pieces = [piece for cut in pieces for piece in cut]
        silence = np.zeros(self._length, np.float32)  # it tells their dimension
        vectors = np.asarray(self.encoder.transform(all_pieces or [silence]))
        ends = np.cumsum([len(cut) for cut in pieces])
        rows = np.empty(len(X), object)
        for row, (cut, end) in enumerate(zip(pieces, ends, strict=True)):
            failed = np.full((1, vectors.shape[1]), np.nan)
            rows[row] = vectors[end - len(cut) : end] if len(cut) else failed
        return rows

    def __sklearn_is_fitted__(self):
        return True

    @property
    def _length(self):
        return round(self.seconds * self.sampling_rate)

    def _cut(self, clip):
        length = self._length
        try:
            waveform, _ = load_audio(clip, sampling_rate=self.sampling_rate)
        except AudioError:
            return np.zeros((0, length), np.float32)
        n_pieces = count_segments(len(waveform) / self.sampling_rate, self.seconds)
        waveform = waveform[: n_pieces * length]
        return np.pad(waveform, (0, n_pieces * length - len(waveform))).reshape(n_pieces, length)


class ListeningTransformer(TransformerMixin, BaseEstimator):
    """1 for each clip that can be read, NaN for others."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.array([[self._listen(clip)] for clip in X])

    def __sklearn_is_fitted__(self):
        return True

    def _listen(self, clip):
        try:
            load_audio(clip)
        except AudioError:
            return np.nan
        return 1.0


def count_segments(duration, seconds=1.0):
    """How many segments a clip of ``duration`` seconds has."""
    whole, rest = divmod(round(duration / seconds, 6), 1)
    return max(int(whole) + (rest >= _SHORTEST), 1)


def label_segments(events, labels, n_segments, seconds=1.0, at_least=0.1):
    """Which events fall into each segment of a clip.

    Parameters
    ----------
    events : DataFrame
        Of one clip: ``label``, ``onset``, ``offset``.
    labels : list of str
    n_segments : int
    seconds : float
        Length of a segment.
    at_least : float
        Seconds of an event that must fall into a segment.

    Returns
    -------
    ndarray of shape (n_segments, n_labels), bool
    """
    starts = np.arange(n_segments) * seconds
    labelled = np.zeros((n_segments, len(labels)), bool)
    for event in events.itertuples():
        overlap = np.minimum(starts + seconds, event.offset) - np.maximum(starts, event.onset)
        long_enough = overlap >= min(at_least, event.offset - event.onset) - 1e-9
        labelled[:, labels.index(event.label)] |= long_enough & (overlap > 0)
    return labelled
