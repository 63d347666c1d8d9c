"""RoBERTa, the network of texts of CLAP."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

PADDING = 1
"""The number of the token that fills up; positions are counted from the next number on."""


class RoBERTa(nn.Module):
    """The encoder of RoBERTa (Liu et al., arXiv 1907.11692) up to its pooled first token.

    Parameters
    ----------
    n_tokens, n_positions : int
        Sizes of the two tables.
    width, hidden : int
        Numbers of a token, within its block too.
    depth, heads : int
        Blocks, and heads of attention of each.
    epsilon : float
        What the normalisations add to variances.
    """

    def __init__(
        self,
        n_tokens: int,
        n_positions: int,
        width: int,
        hidden: int,
        depth: int,
        heads: int,
        epsilon: float,
    ):
        super().__init__()
        self.tokens = nn.Embedding(n_tokens, width)
        self.positions = nn.Embedding(n_positions, width)
        self.kinds = nn.Embedding(1, width)
        self.norm = nn.LayerNorm(width, epsilon)
        self.blocks = nn.ModuleList(Block(width, hidden, heads, epsilon) for _ in range(depth))
        self.pooler = nn.Linear(width, width)

    def forward(self, numbers: Tensor) -> Tensor:
        """Map numbers of tokens (n, length), filled up with `PADDING`, to vectors (n, width)."""
        present = numbers != PADDING
        places = present.cumsum(1) * present + PADDING
        embedded = self.tokens(numbers) + self.kinds.weight[0] + self.positions(places)
        mask = present[:, None, None, :]
        tokens = self.norm(embedded)
        for block in self.blocks:
            tokens = block(tokens, mask)
        return torch.tanh(self.pooler(tokens[:, 0]))


class Block(nn.Module):
    """Attention and a small network for each token, each normalised after it is added."""

    def __init__(self, width: int, hidden: int, heads: int, epsilon: float):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, epsilon)
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)
        self.norm2 = nn.LayerNorm(width, epsilon)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        split = self.qkv(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = split
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        tokens = self.norm1(tokens + self.proj(attended.transpose(1, 2).flatten(2)))
        return self.norm2(tokens + self.fc2(functional.gelu(self.fc1(tokens))))
