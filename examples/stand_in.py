"""What stands in for trained weights, so that the examples run offline.

The official weights of Wav2CLIP and CLIP are downloads. Here an untrained encoder and a
linear map learn, from generated clips, a small space in which sounds and words meet: the
"word" of a kind of sound is the mean vector of its clips.
"""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skw2c import Wav2CLIPTransformer
from skw2c.datasets import make_sound_events

QUIET = "background noise"


class StandIn(TransformerMixin, BaseEstimator):
    """Embed clips, or their seconds, in a space learned from labelled clips.

    Parameters
    ----------
    mode : {"clip", "frame"}, default="clip"
        Whole clips, or windows of one second.
    """

    def __init__(self, mode="clip"):
        self.mode = mode

    def fit(self, X, y=None):
        """Learn the space from clips X and their labels y."""
        self.map_ = _make_map().fit(self._encoder("clip").fit_transform(X), y)
        return self

    def transform(self, X):
        """Embed clips X."""
        vectors = self._encoder(self.mode).fit_transform(X)
        if self.mode == "clip":
            return self.map_.transform(vectors)
        return [self.map_.transform(seconds) for seconds in vectors]

    def frame_times(self, n_frames):
        """Start and end of each second."""
        return self._encoder("frame").frame_times(n_frames)

    def _encoder(self, mode):
        return Wav2CLIPTransformer(None, output="encoder", mode=mode, random_state=0)

    def fit_seconds(self, X, y):
        """Learn the space from the seconds of recordings X and the labels y of each."""
        seconds = np.concatenate(list(self._encoder("frame").fit_transform(X)))
        self.map_ = _make_map().fit(seconds, np.concatenate(y))
        return self


def learn_space(kinds=None, n_clips=240):
    """Return an encoder that learned from clips, and a table of the vectors of words.

    Parameters
    ----------
    kinds : sequence of str or None
        Kinds of generated sound. None takes all.
    n_clips : int
        Clips to learn from, of one to five seconds.

    Returns
    -------
    encoder : StandIn
    words : dict of str to ndarray
    """
    sounds = make_sound_events(n_clips, kinds=kinds, duration=(1, 5), random_state=7)
    labels = sounds.target_names[sounds.target]
    encoder = StandIn().fit(sounds.data, labels)
    return encoder, _average(encoder.transform(sounds.data), labels)


def learn_space_of_seconds(kinds, n_recordings=6):
    """Return an encoder that learned from the seconds of recordings, and a table of words.

    Parameters
    ----------
    kinds : sequence of str
        Kinds of generated sound. What is none of them is ``QUIET``.
    n_recordings : int
        Recordings to learn from, of two minutes each.

    Returns
    -------
    encoder : StandIn
    words : dict of str to ndarray
    """
    pairs = [make_recording(kinds, 24, seed) for seed in range(100, 100 + n_recordings)]
    recordings = [recording for recording, _ in pairs]
    encoder = StandIn(mode="frame")
    times = encoder.frame_times(24 * 5)
    labels = [label_seconds(events, times, kinds) for _, events in pairs]
    encoder.fit_seconds(recordings, labels)
    seconds = np.concatenate(encoder.transform(recordings))
    return encoder, _average(seconds, np.concatenate(labels))


def make_recording(kinds, n_clips, seed):
    """Return clips of five seconds one after another, and the times of the events in it."""
    clips = make_sound_events(n_clips, kinds=kinds, snr=(10, 20), random_state=seed)
    events = clips.events.copy()
    events[["onset", "offset"]] += 5 * events[["row"]].to_numpy()
    return np.concatenate(clips.data), events


def label_seconds(events, times, kinds):
    """Label each second with the kind that fills most of it, or as ``QUIET``."""
    filled = []
    for kind in kinds:
        own = events[events["label"] == kind]
        overlap = np.minimum(times[:, 1:], own["offset"]) - np.maximum(times[:, :1], own["onset"])
        filled.append(np.clip(overlap, 0, None).sum(axis=1))
    filled.append(np.full(len(times), 0.25))
    return np.array([*kinds, QUIET])[np.argmax(filled, axis=0)]


def _average(vectors, labels):
    return {str(name): vectors[labels == name].mean(axis=0) for name in np.unique(labels)}


def _make_map():
    return make_pipeline(
        StandardScaler(), LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.3)
    )
