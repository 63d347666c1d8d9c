"""The small encoder as it is taught: what it hears when, and where a sound is among words."""

import torch
from torch import nn
from torch.nn.functional import normalize

from benchmarks.mini.teacher import HOP, LENGTH
from skw2c.models.wav2clip._log_spectrogram import HOP_LENGTH
from skw2c.models.wav2clip._wav2clip_network import make_audio_encoder

N_COMPONENTS = 256
N_WORDS = 512


class MapStudent(nn.Module):
    """Predict the teacher's maps, window by window, and the place of the whole among the words.

    The vector of an example is all of these numbers, one after another. The maps have unit length
    in all, and so has the place.

    Parameters
    ----------
    width : int
        Of the encoder.
    n_windows : int
        Of the teacher, in an example.
    state : dict of str to Tensor or None
        Weights of an encoder to begin with.
    """

    sampling_rate = 16000

    def __init__(self, width, n_windows, state=None):
        super().__init__()
        self.encoder = make_audio_encoder("mobilenet", width)
        if state is not None:
            self.encoder.load_state_dict(state)
        self._n_windows = n_windows
        n_features = self.encoder.n_features
        self.maps = nn.Conv2d(n_features, N_COMPONENTS, 1)
        self.words = nn.Sequential(
            nn.Linear(n_features, N_WORDS), nn.ReLU(), nn.Linear(N_WORDS, N_WORDS)
        )

    def forward(self, waveforms):
        """Vectors (batch, 256 * 2 * n_windows + 512) of waveforms (batch, n_samples)."""
        features = self.encoder.feature_map(self.encoder.prepare(waveforms))
        weights = share_columns(features.shape[3], self._n_windows, self.encoder.time_stride)
        maps = self.maps(features @ weights.to(features)).flatten(1)
        places = self.words(features.mean((2, 3)))
        return torch.cat([normalize(maps, dim=1), normalize(places, dim=1)], dim=1)


def share_columns(n_columns, n_windows, stride):
    """Share of each column of the encoder's map in each window, (n_columns, n_windows).

    A column hears ``stride`` columns of the spectrogram around its middle; a window is the mean of
    what overlaps it.
    """
    width = stride * HOP_LENGTH / MapStudent.sampling_rate
    middles = torch.arange(n_columns)[:, None] * width
    starts = torch.arange(n_windows) * HOP
    ends = torch.minimum(middles + width / 2, starts + LENGTH)
    overlap = (ends - torch.maximum(middles - width / 2, starts)).clamp(min=0)
    overlap[-1] += (overlap.sum(0) == 0).float()  # a window beyond the end of a short sound
    return overlap / overlap.sum(0)
