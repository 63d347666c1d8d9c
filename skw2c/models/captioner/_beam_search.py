"""The search for the most probable caption."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ._caption_decoder import END, PAD, START, UNKNOWN, CaptionDecoder

_NEVER_CHOSEN = [PAD, START, UNKNOWN]


@torch.inference_mode()
def search_captions(
    decoder: CaptionDecoder, frames: Tensor, n_frames: Tensor, *, beam_size: int, max_length: int
) -> list[list[int]]:
    """Find a caption for each clip by beam search, which is greedy for a beam of 1.

    The beam holds the captions of the largest probability, those that have ended among
    them. In the end the one is taken whose logarithm of the probability, divided by its
    number of words and its end, is largest.

    Parameters
    ----------
    decoder : CaptionDecoder
    frames : Tensor of shape (batch, longest, n_features)
    n_frames : Tensor of shape (batch,), int64
    beam_size : int
    max_length : int
        Maximum number of words of a caption.

    Returns
    -------
    list of list of int
        The numbers of the words, one at least.
    """
    n_clips, device = len(frames), frames.device
    encoded = decoder.encode_frames(frames, n_frames).repeat(beam_size)
    words = torch.full((n_clips * beam_size, 1), START, device=device)
    totals = torch.full((n_clips, beam_size), -math.inf, dtype=frames.dtype, device=device)
    totals[:, 0] = 0  # at first all are the same
    first = torch.arange(n_clips, device=device)[:, None] * beam_size
    past: list[Tensor] = []
    for step in range(max_length):
        logits, past = decoder(words[:, -1:], encoded, past)
        scores = _score_words(logits[:, 0], _has_ended(words), step)
        n_words = scores.shape[1]
        candidates = (totals.view(-1, 1) + scores).view(n_clips, -1)
        totals, best = candidates.topk(beam_size)
        source = (first + best // n_words).flatten()
        words = torch.cat([words[source], (best % n_words).view(-1, 1)], dim=1)
        past = [kept[:, source] for kept in past]
        if _has_ended(words).all():
            break
    return _choose(words[:, 1:].view(n_clips, beam_size, -1), totals)


def _has_ended(words: Tensor) -> Tensor:
    return (words[:, -1] == END) | (words[:, -1] == PAD)


def _score_words(logits: Tensor, ended: Tensor, step: int) -> Tensor:
    """Logarithms of the probabilities of what can come next.

    After its end a caption is filled up at no cost.
    """
    # A caption has at least one word.
    never = [*_NEVER_CHOSEN, END] if step == 0 else _NEVER_CHOSEN
    logits[:, never] = -math.inf
    scores = logits.log_softmax(dim=1)
    scores[ended] = -math.inf
    scores[ended, PAD] = 0
    return scores


def _choose(words: Tensor, totals: Tensor) -> list[list[int]]:
    lengths = (words != PAD).sum(dim=2)
    best = (totals / lengths).argmax(dim=1)
    chosen = words[torch.arange(len(words), device=words.device), best].tolist()
    return [[word for word in caption if word not in (END, PAD)] for caption in chosen]
