"""Cut waveforms of any length into frames, in operations that a graph can hold."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from ._framing import Framing
from ._graph_sizes import divide_up, larger, smaller


def cut_waveforms(waveforms: Tensor, framing: Framing) -> Tensor:
    """Cut waveforms (batch, n_samples) into frames (batch, n_frames, length).

    It gives what `Framing.cut` gives for each of them. The number of samples may be a symbol, so
    nothing here branches on it.
    """
    n_samples = waveforms.shape[1]
    n_frames = count_frames(n_samples, framing)
    starts = torch.arange(n_frames) * framing.hop - framing.lead
    if framing.align_tail:
        length = smaller(n_samples, framing.length)
        starts = starts.clamp_max(n_samples - length)
        return take(waveforms, starts[:, None] + torch.arange(length))
    return take_or_zero(waveforms, starts[:, None] + torch.arange(framing.length))


def count_frames(n_samples: int, framing: Framing) -> int:
    """What `Framing.count` gives, also of a symbol."""
    n_samples = n_samples + framing.lead
    beyond = larger(n_samples - framing.length, 0)
    if framing.align_tail:
        return 1 + divide_up(beyond, framing.hop)
    if not framing.pad_tail:
        return 1 + beyond // framing.hop
    n_begun = smaller(1 + divide_up(beyond, framing.hop), divide_up(n_samples, framing.hop))
    return larger(n_begun, 1)


def take(values: Tensor, places: Tensor) -> Tensor:
    """Take values (..., n) at places of any shape: (..., *places.shape)."""
    taken = values.index_select(-1, places.flatten())
    return taken.unflatten(-1, places.shape)


def take_or_zero(values: Tensor, places: Tensor) -> Tensor:
    """`take`, where 0 is beyond both ends."""
    end = values.shape[-1]
    inside = (places >= 0) & (places < end)
    return take(pad(values, (0, 1)), torch.where(inside, places, end))
