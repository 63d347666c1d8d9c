"""YAMNet as a teacher that tells what it hears when, in low and in high frequencies."""

import numpy as np
import torch

from skw2c.models.yamnet._yamnet_front_end import N_FRAMES, LogMel
from skw2c.models.yamnet._yamnet_network import YAMNet
from skw2c.models.yamnet._yamnet_state import read_yamnet
from skw2c.weights import read_checkpoint

HOP = 0.48
"""Seconds from one window of the teacher to the next."""

LENGTH = 0.96
"""Seconds of a window."""

_FRAMES_PER_HOP = 48
_AT_ONCE = 50
_LEVEL = 0.7


class MapTeacher:
    """Hear examples at one level, and give the means of the last map of each window.

    The map has two rows, of low and of high frequencies, whose mean is YAMNet's embedding.

    Parameters
    ----------
    weights : str or Path
        File of YAMNet.
    """

    def __init__(self, weights):
        cpu = torch.device("cpu")
        known = read_yamnet(read_checkpoint(str(weights)), str(weights))
        self._front_end, self._network = LogMel(cpu), YAMNet(known, cpu)
        self._kernel, self._bias = (value.double() for value in known.classifier)

    def hear(self, examples):
        """Hear examples of one length, a second or more.

        Parameters
        ----------
        examples : ndarray of shape (n, n_samples), float32
            At 16 kHz, at any level: all are heard as if their peaks were the same, because the
            student cannot tell levels.

        Returns
        -------
        maps : ndarray of shape (n, 1024, 2, n_windows), float32
        scores : ndarray of shape (n, 521), float64
            Means over the windows.
        """
        peaks = np.abs(examples).max(axis=1, keepdims=True)
        level = torch.from_numpy(examples * (_LEVEL / np.maximum(peaks, 1e-6)))
        with torch.inference_mode():
            parts = [self._hear(part) for part in level.split(_AT_ONCE)]
        maps, scores = (np.concatenate(results) for results in zip(*parts, strict=True))
        return maps, scores

    def _hear(self, waveforms):
        windows = self._front_end(waveforms).unfold(1, N_FRAMES, _FRAMES_PER_HOP).transpose(2, 3)
        maps = self._network.feature_map(windows.flatten(0, 1).contiguous()).mean(2)
        maps = maps.unflatten(0, windows.shape[:2])  # (examples, windows, 1024, 2)
        logits = maps.mean(3).double() @ self._kernel.T + self._bias
        return maps.permute(0, 2, 3, 1).numpy(), torch.sigmoid(logits).mean(1).numpy()
