"""EfficientAT's network and front end together, from waveforms on, to be trained."""

from __future__ import annotations

import torch
from torch import Tensor

from ._efficientat_front_end import RATE, LogMel
from ._efficientat_network import EfficientATBody

WIDTHS = {"mn01": 0.1, "mn02": 0.2, "mn04": 0.4, "mn05": 0.5, "mn10": 1.0, "mn20": 2.0}
"""Width of each network that can be trained by its name."""


class EfficientATEncoder(EfficientATBody):
    """An EfficientAT that hears waveforms at 32 kHz, without a classifier.

    Front end and rate are those of the original. A student then hears up to 15 kHz of what its
    teacher does, and the network is in no way another one than that of the published weights.

    Parameters
    ----------
    width : float
        Scales all channels.
    """

    sampling_rate = RATE

    def __init__(self, width: float):
        super().__init__(width)
        self.n_features = self.width
        self.spectrogram = LogMel()
        self._initialise()

    def forward(self, waveforms: Tensor) -> Tensor:
        """Embed (batch, n_samples) at 32 kHz as (batch, n_features)."""
        return self.embed(self.prepare(waveforms))

    def prepare(self, waveforms: Tensor) -> Tensor:
        """Log-mel spectrograms (batch, 128, columns) of waveforms (batch, n_samples)."""
        with torch.no_grad(), torch.autocast(waveforms.device.type, enabled=False):
            return self.spectrogram(waveforms.float())
