"""Evaluate encoders of sound in X-ARES, a benchmark of audio representations.

X-ARES is told of an encoder by the path of a Python file that makes one::

    from skw2c.xares import XARESEncoder

    encoder = XARESEncoder("yamnet")
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from .transformers._encoders import name_encoder, resolve_encoder
from .validation._tables import stack_frames


class XARESEncoder(nn.Module):
    """An encoder of sound as X-ARES calls it: waveforms in, the vectors of their windows out.

    Parameters
    ----------
    encoder : str or transformer, default="mini"
        A registered name, or a transformer with frame mode, which is cloned.

    hop_length : float or None, default=None
        Time from the start of one window to the next, in seconds. None leaves it to the encoder.

    **parameters
        Parameters of encoders that are given by name, such as ``device``.

    Attributes
    ----------
    sampling_rate : int
        Rate of the waveforms in Hz: that of the network, so that nothing is resampled twice.
    output_dim : int
        Length of a vector.
    hop_size_in_ms : float
        Time between windows, in milliseconds.

    Examples
    --------
    >>> import torch
    >>> from skw2c.xares import XARESEncoder
    >>> encoder = XARESEncoder("mini", hop_length=0.5)
    >>> encoder.sampling_rate, encoder.output_dim, encoder.hop_size_in_ms
    (16000, 512, 500.0)
    >>> encoder(torch.zeros(2, 50_000)).shape
    torch.Size([2, 6, 512])
    """

    def __init__(self, encoder="mini", *, hop_length=None, **parameters):
        super().__init__()
        chosen = resolve_encoder(encoder, "audio", **{**parameters, "mode": "frame", "tail": "pad"})
        known = chosen.get_params(deep=False)
        if not {"mode", "sampling_rate", "hop_length"} <= known.keys():
            raise ValueError(
                f"{name_encoder(encoder)} has no frame mode with a sampling_rate and a hop_length, "
                "which X-ARES needs"
            )
        hop = known["hop_length"] if hop_length is None else hop_length
        chosen.set_params(hop_length=hop).fit(None, None)
        # Of an encoder that was trained here, the weights tell the rate.
        self.sampling_rate = getattr(chosen, "_rate", known["sampling_rate"])
        self.hop_size_in_ms = 1000.0 * hop
        self._encoder = chosen.set_params(sampling_rate=self.sampling_rate)
        self.output_dim = len(chosen.get_feature_names_out())

    def forward(self, audio: Tensor) -> Tensor:
        """Map waveforms (n, n_samples), or one of them, to vectors (n, n_windows, output_dim)."""
        waveforms = np.atleast_2d(audio.detach().cpu().float().numpy())
        vectors = stack_frames(list(self._encoder.transform(list(waveforms))))
        return torch.from_numpy(np.ascontiguousarray(vectors)).to(audio.device)
