"""From waveforms of any length to vectors, in operations that a graph can hold."""

from __future__ import annotations

from typing import Generic

import torch
from torch import Tensor, nn

from ..engines import NetworkGraph
from ._framing import Windows


class EncoderGraph(nn.Module, Generic[Windows]):
    """An encoder, for waveforms whose number and length may be symbols.

    A subclass turns waveforms into the network's inputs in ``prepare``, and what the network gives
    into vectors in ``finish``. Nothing in it branches on a size, and it computes what the frozen
    encoder computes.

    Attributes
    ----------
    network : NetworkGraph or None
        From inputs (n, ...) to features (n, ...). None where the inputs are what is wanted.
    """

    network: NetworkGraph | None

    def prepare(self, waveforms: Tensor, framing: Windows) -> Tensor:
        """Turn (batch, n_samples) into inputs (batch, n_frames, ...)."""
        raise NotImplementedError

    def finish(self, features: Tensor) -> Tensor:
        """Turn features (batch, n_frames, ...) into vectors (batch, n_frames, width), float32."""
        return features


class Front(nn.Module, Generic[Windows]):
    """The first part of a graph: waveforms (batch, n_samples) to inputs (n, ...)."""

    def __init__(self, encoder: EncoderGraph[Windows], framing: Windows):
        super().__init__()
        self._encoder, self._framing = encoder, framing

    def forward(self, waveforms: Tensor) -> Tensor:
        return self._encoder.prepare(waveforms, self._framing).flatten(0, 1)


class Tail(nn.Module):
    """The last part of a graph: features (batch, n_frames, ...) to what `transform` gives.

    Parameters
    ----------
    encoder : EncoderGraph
    pooling : {"none", "mean", "directions"}
        Whether to keep the vectors of all frames, or to average them; of directions, only where
        there are several.
    keep_frames : bool
        Whether frames are an axis of the result.
    normalize : bool
        Whether to scale vectors to unit length.
    """

    def __init__(self, encoder: EncoderGraph, *, pooling: str, keep_frames: bool, normalize: bool):
        super().__init__()
        self._encoder = encoder
        self._pooling, self._keep_frames, self._normalize = pooling, keep_frames, normalize

    def forward(self, features: Tensor) -> Tensor:
        vectors = self._pool(self._encoder.finish(features))
        if self._normalize:
            vectors = to_unit_length(vectors)
        return vectors if self._keep_frames else vectors[:, 0]

    def _pool(self, vectors: Tensor) -> Tensor:
        if self._pooling == "none":
            return vectors
        if self._pooling == "mean":
            return vectors.double().mean(1, keepdim=True).float()
        mean = to_unit_length(vectors).double().mean(1, keepdim=True).float()
        is_single = torch.ones_like(vectors[:1, :, :1]).sum() < 2
        return torch.where(is_single, vectors[:, :1], mean)


def to_unit_length(vectors: Tensor) -> Tensor:
    """Scale vectors (..., width) to unit length; a vector of zeros stays."""
    # First by the largest number, so that squares of tiny or huge ones stay in range.
    vectors = vectors / _or_one(vectors.abs().amax(-1, keepdim=True))
    return vectors / _or_one(vectors.square().sum(-1, keepdim=True).sqrt())


def _or_one(lengths: Tensor) -> Tensor:
    return torch.where(lengths == 0, 1.0, lengths)
