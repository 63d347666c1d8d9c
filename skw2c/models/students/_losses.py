"""The losses that bring vectors of sound near the vectors of what is seen."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, cross_entropy, normalize

_FIRST_SCALE = math.log(1 / 0.07)
_LARGEST_SCALE = math.log(100)


class ContrastiveLoss(nn.Module):
    """CLIP's symmetric loss: of all pairs in a batch, the right ones are the nearest.

    The factor of the cosines, ``exp(logit_scale)``, is learned from 1 / 0.07 on, and at
    most 100 (Radford et al., arXiv 2103.00020).
    """

    def __init__(self):
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(_FIRST_SCALE))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Compare vectors (batch, width) with those that they belong to, row by row."""
        with torch.autocast(x.device.type, enabled=False):
            x, y = normalize(x.float(), dim=1), normalize(y.float(), dim=1)
            logits = self.logit_scale.exp() * x @ y.T
            own = torch.arange(len(x), device=x.device)
            return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2

    @torch.no_grad()
    def clamp(self) -> None:
        """Keep the factor at 100 or below; to be called after each step."""
        self.logit_scale.clamp_(max=_LARGEST_SCALE)


class CosineLoss(nn.Module):
    """One minus the cosine of each vector and the one that it belongs to.

    Unlike a contrastive loss it asks for the very direction, and not only for one that is
    nearer than those of the other clips in the batch.
    """

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Compare vectors (batch, width) row by row."""
        with torch.autocast(x.device.type, enabled=False):
            return 1 - cosine_similarity(x.float(), y.float(), dim=1).mean()
