"""The decoder that turns vectors of frames into words: a transformer [1]_.

.. [1] A. Vaswani et al., "Attention is all you need", NeurIPS 2017, arXiv 1706.03762.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...weights import WeightsReference
from .._network_cache import keep_network

PAD, START, END, UNKNOWN = range(4)
"""Numbers that do not stand for words: padding, start and end of a caption, an unknown word."""


class EncodedFrames(NamedTuple):
    """Frames of clips, as the layers attend to them.

    Attributes
    ----------
    keys_and_values : list of Tensor of shape (2, batch, n_heads, n_frames, d_model / n_heads)
        Those of each layer.
    absent : Tensor of shape (batch, 1, 1, n_frames), bool
        Which frames are filling.
    """

    keys_and_values: list[Tensor]
    absent: Tensor

    def repeat(self, n: int) -> EncodedFrames:
        """Each clip n times, one copy after the other."""
        keys_and_values = [kept.repeat_interleave(n, dim=1) for kept in self.keys_and_values]
        return EncodedFrames(keys_and_values, self.absent.repeat_interleave(n, dim=0))


class _Attention(nn.Module):
    """Attention of several heads, whose keys and values can be kept.

    It is written out, because torch's fused kernels differ from run to run on GPUs.
    """

    def __init__(self, d_model: int, n_heads: int, dropout: float):
        super().__init__()
        self._n_heads = n_heads
        self.query = nn.Linear(d_model, d_model)
        self.key_value = nn.Linear(d_model, 2 * d_model)
        self.output = nn.Linear(d_model, d_model)
        self.dropout = nn.Dropout(dropout)

    def keys_and_values(self, x: Tensor) -> Tensor:
        """Turn (batch, n, d_model) into (2, batch, n_heads, n, d_model / n_heads)."""
        return torch.stack([self._split(part) for part in self.key_value(x).chunk(2, dim=-1)])

    def forward(self, x: Tensor, keys_and_values: Tensor, hidden: Tensor) -> Tensor:
        """Attend from (batch, n, d_model) to all keys but those that are hidden."""
        keys, values = keys_and_values
        scores = self._split(self.query(x)) @ keys.mT / math.sqrt(keys.shape[-1])
        weights = self.dropout(scores.masked_fill(hidden, -math.inf).softmax(dim=-1))
        return self.output((weights @ values).transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self._n_heads, -1)).transpose(1, 2)


class _DecoderLayer(nn.Module):
    def __init__(self, d_model: int, n_heads: int, dim_feedforward: int, dropout: float):
        super().__init__()
        self.self_attention = _Attention(d_model, n_heads, dropout)
        self.cross_attention = _Attention(d_model, n_heads, dropout)
        self.feed_forward = nn.Sequential(
            nn.Linear(d_model, dim_feedforward),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(dim_feedforward, d_model),
        )
        self.norms = nn.ModuleList(nn.LayerNorm(d_model) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, past: Tensor | None, later: Tensor, frames: Tensor, absent: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the layer's output, and keys and values of all words so far."""
        own = self.self_attention.keys_and_values(x)
        own = own if past is None else torch.cat([past, own], dim=3)
        x = self.norms[0](x + self.dropout(self.self_attention(x, own, later)))
        x = self.norms[1](x + self.dropout(self.cross_attention(x, frames, absent)))
        return self.norms[2](x + self.dropout(self.feed_forward(x))), own


class CaptionDecoder(nn.Module):
    """A transformer decoder over vectors of frames.

    Parameters
    ----------
    n_features : int
        Length of a frame's vector.
    n_words : int
        Size of the vocabulary, with the numbers that do not stand for words.
    d_model, n_heads, dim_feedforward, n_layers : int
        Of the transformer.
    dropout : float, default=0.0
    """

    def __init__(
        self,
        n_features: int,
        n_words: int,
        *,
        d_model: int,
        n_heads: int,
        dim_feedforward: int,
        n_layers: int,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.projection = nn.Linear(n_features, d_model)
        self.embedding = nn.Embedding(n_words, d_model)
        self.layers = nn.ModuleList(
            _DecoderLayer(d_model, n_heads, dim_feedforward, dropout) for _ in range(n_layers)
        )
        self.to_words = nn.Linear(d_model, n_words)
        self.dropout = nn.Dropout(dropout)
        # It cannot be read off the shapes of the weights.
        self.register_buffer("n_heads", torch.tensor(n_heads))

    def encode_frames(self, frames: Tensor, n_frames: Tensor) -> EncodedFrames:
        """Project the frames of clips to keys and values, once for all words.

        Parameters
        ----------
        frames : Tensor of shape (batch, longest, n_features)
        n_frames : Tensor of shape (batch,), int64
            How many of them each clip has; the rest is filling.
        """
        longest = frames.shape[1]
        x = self.projection(frames)
        x = self.dropout(x + _positions(0, x))
        absent = torch.arange(longest, device=x.device) >= n_frames[:, None]
        layers: Any = self.layers  # of `_DecoderLayer`
        kept = [layer.cross_attention.keys_and_values(x) for layer in layers]
        return EncodedFrames(kept, absent[:, None, None])

    def forward(
        self, words: Tensor, encoded: EncodedFrames, past: Sequence[Tensor] = ()
    ) -> tuple[Tensor, list[Tensor]]:
        """Score the words that could follow.

        Parameters
        ----------
        words : Tensor of shape (batch, n), int64
            Numbers of words, that follow those of ``past``.
        encoded : EncodedFrames
        past : sequence of Tensor
            Keys and values of earlier words, as an earlier call gave them.

        Returns
        -------
        logits : Tensor of shape (batch, n, n_words)
        past : list of Tensor
            Keys and values of all words so far, one tensor for each layer.
        """
        n_past, n = past[0].shape[3] if past else 0, words.shape[1]
        x = self.embedding(words)
        x = self.dropout(x + _positions(n_past, x))
        later = torch.ones(n, n_past + n, dtype=torch.bool, device=x.device).triu(n_past + 1)
        kept = []
        for layer, frames, before in zip(
            self.layers, encoded.keys_and_values, past or repeat(None), strict=False
        ):
            x, own = layer(x, before, later, frames, encoded.absent)
            kept.append(own)
        return self.to_words(x), kept


def _positions(first: int, x: Tensor) -> Tensor:
    """Sines and cosines (n, d_model) of the positions of x (batch, n, d_model)."""
    n, d_model = x.shape[1:]
    places = torch.arange(first, first + n, device=x.device, dtype=x.dtype)[:, None]
    columns = torch.arange(d_model, device=x.device)
    angles = places * 1e4 ** (-2.0 * (columns // 2) / d_model).to(x.dtype)
    return torch.where(columns % 2 == 0, angles.sin(), angles.cos())


def pad_frames(frames: Sequence[np.ndarray], like: Tensor) -> tuple[Tensor, Tensor]:
    """Put arrays (n_frames, n_features) into one tensor, and their lengths into another.

    Parameters
    ----------
    frames : sequence of ndarray
    like : Tensor
        Gives device and type.
    """
    tensors = [torch.from_numpy(np.array(each)).to(like) for each in frames]
    lengths = torch.tensor([len(each) for each in frames], device=like.device)
    return nn.utils.rnn.pad_sequence(tensors, batch_first=True), lengths


def get_caption_decoder(reference: WeightsReference, device: str) -> CaptionDecoder:
    """Build the trained decoder that ``reference`` holds, or take it from those built before.

    It computes in double precision where the device can, so that the sizes of batches make no
    difference that could change a word.

    Parameters
    ----------
    reference : WeightsReference
    device : str
        Torch device.
    """
    key = ("caption decoder", reference, device)
    return keep_network(key, lambda: _restore(reference.read(), torch.device(device)))


def _restore(state: Mapping[str, Tensor], device: torch.device) -> CaptionDecoder:
    """Build the decoder that the shapes of its weights describe, in eval mode."""
    n_words, d_model = state["embedding.weight"].shape
    decoder = CaptionDecoder(
        state["projection.weight"].shape[1],
        n_words,
        d_model=d_model,
        n_heads=int(state["n_heads"]),
        dim_feedforward=len(state["layers.0.feed_forward.0.weight"]),
        n_layers=len({name.split(".")[1] for name in state if name.startswith("layers.")}),
    )
    decoder.load_state_dict(state)
    exact = torch.float32 if device.type == "mps" else torch.float64
    return decoder.to(device, exact).eval().requires_grad_(False)
