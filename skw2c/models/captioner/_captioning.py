"""A decoder of captions with the loss by which it is trained."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy

from .._trainable import Trainable
from ._caption_decoder import PAD, CaptionDecoder


class Captioning(Trainable):
    """The loss of a decoder: the cross-entropy of each word, given those before it.

    Parameters
    ----------
    decoder : CaptionDecoder
    """

    def __init__(self, decoder: CaptionDecoder):
        super().__init__()
        self.decoder = decoder

    def forward(
        self, frames: Tensor, n_frames: Tensor, words: Tensor, gather: None = None
    ) -> Tensor:
        """Compute the loss of a batch, summed over its words and ends.

        Parameters
        ----------
        frames : Tensor of shape (batch, longest, n_features)
        n_frames : Tensor of shape (batch,), int64
        words : Tensor of shape (batch, longest), int64
            Numbers of the words of each caption, from its start to its end, then padding.
        gather : None
            Not used: clips are not compared with each other.
        """
        logits, _ = self.decoder(words[:, :-1], self.decoder.encode_frames(frames, n_frames))
        # The start of a caption is given, not predicted.
        return cross_entropy(
            logits.flatten(0, 1), words[:, 1:].flatten(), ignore_index=PAD, reduction="sum"
        )
