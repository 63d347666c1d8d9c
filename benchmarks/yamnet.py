"""YAMNet (M. Plakal and D. Ellis) as a teacher: vectors of sound, window after window.

The network is computed from an npz file of float32 arrays, whose batch normalisation is
folded into kernels and biases. Its keys are ``layerNN_conv``, ``layerNN_depthwise`` and
``layerNN_pointwise``, each with ``/kernel`` in the order of torch and ``/bias``, and
``frontend/window``, ``frontend/mel_matrix`` and ``frontend/log_offset``.
"""

import hashlib

import joblib
import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from torch.nn.functional import conv2d, pad

from skw2c import load_audio

RATE = 16000
WINDOW, HOP = 15600, 7680
FRAME_RATE = RATE / HOP
"""Vectors per second."""

_FRAME, _FRAME_HOP, _N_FFT = 400, 160, 512
_HALVED = {1, 4, 8, 12, 24}  # layers with a stride of 2


class YAMNet:
    """The embedding of YAMNet.

    Parameters
    ----------
    path : str or Path
        The npz file.
    """

    def __init__(self, path):
        with np.load(path) as arrays:
            arrays = {name: torch.from_numpy(arrays[name]) for name in arrays}
        self._window = arrays["frontend/window"]
        self._mel = arrays["frontend/mel_matrix"]
        self._offset = arrays["frontend/log_offset"]
        names = sorted({name.partition("/")[0] for name in arrays if name.startswith("layer")})
        self._layers = [
            (int(name[5:7]) in _HALVED, arrays[f"{name}/kernel"], arrays[f"{name}/bias"])
            for name in names
        ]

    @torch.inference_mode()
    def __call__(self, waveform):
        """Embed a waveform at 16 kHz.

        Parameters
        ----------
        waveform : ndarray of shape (n_samples,), float32
            A shorter one than a window is filled up with zeros; what is left over after the
            last window is dropped.

        Returns
        -------
        ndarray of shape (n_windows, 1024), float32
        """
        x = torch.from_numpy(waveform)
        x = pad(x, (0, max(WINDOW - len(x), 0))).unfold(0, WINDOW, HOP)
        frames = x.unfold(1, _FRAME, _FRAME_HOP) * self._window
        x = torch.log(torch.fft.rfft(frames, _N_FFT).abs() @ self._mel.T + self._offset)[:, None]
        for halved, kernel, bias in self._layers:
            x = _convolve(x, halved, kernel, bias)
        return x.mean((2, 3)).numpy()


def _convolve(x, halved, kernel, bias):
    """A convolution under TensorFlow's rule for borders, and the rectifier up to 6."""
    if kernel.shape[2] > 1:
        # With a stride of 2 and an even size that rule pads the end alone.
        x = pad(x, (0, 1, 0, 1) if halved else (1, 1, 1, 1))
    groups = len(kernel) // kernel.shape[1] if kernel.shape[2] > 1 and x.shape[1] > 1 else 1
    return conv2d(x, kernel, bias, stride=2 if halved else 1, groups=groups).clamp_(0, 6)


class YAMNetTransformer(TransformerMixin, BaseEstimator):
    """Vectors of YAMNet, of sound files.

    Parameters
    ----------
    path : str
        The npz file of the network.
    pool : {"mean"} or None, default="mean"
        The mean over the windows of a clip, or the vector of each window.
    memory : str or None, default=None
        Where to keep the vectors of each clip, by content.
    """

    fps = FRAME_RATE

    def __init__(self, path, pool="mean", memory=None):
        self.path = path
        self.pool = pool
        self.memory = memory

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        network, digest = YAMNet(self.path), _digest(self.path)
        embed = joblib.Memory(self.memory, verbose=0).cache(embed_file, ignore=["network", "file"])
        vectors = [embed(network, file, _digest(file), digest) for file in X]
        return vectors if self.pool is None else np.stack([v.mean(axis=0) for v in vectors])

    def __sklearn_is_fitted__(self):
        return True


def embed_file(network, file, content, weights):
    """Embed a file; ``content`` and ``weights`` tell the file and the network apart."""
    waveform, _ = load_audio(file)
    return network(waveform)


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
