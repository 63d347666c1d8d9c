"""HTS-AT, the network of sound of CLAP: a Swin transformer over a folded spectrogram."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._clap_front_end import N_BANDS

WINDOW = 8
"""Rows and columns of the windows that attend to themselves."""
PATCH = 4
SIDE = 256
"""Rows and columns of the image that a spectrogram is folded to."""
_FOLDS = SIDE // N_BANDS
_MASKED = -100.0


class HTSAT(nn.Module):
    """The hierarchical token-semantic audio transformer (Chen et al., arXiv 2202.00874).

    Its entries are named as in the original program. Four stretches of the spectrogram are put
    under each other; patches of the image that they make attend to each other in windows, which
    every other block shifts by half.

    Parameters
    ----------
    width : int
        Numbers of a patch; each further stage has twice as many.
    depths, heads : sequence of int
        Blocks and heads of attention of each stage.
    ratio : float
        Hidden numbers of a block for each of its own.
    """

    def __init__(self, width: int, depths: Sequence[int], heads: Sequence[int], ratio: float):
        super().__init__()
        self.bn0 = nn.BatchNorm2d(N_BANDS)
        self.patch_embed = PatchEmbedding(width)
        sides = [SIDE // PATCH >> stage for stage in range(len(depths))]
        self.layers = nn.ModuleList(
            Stage(width << k, side, depth, n_heads, ratio, last=k == len(depths) - 1)
            for k, (side, depth, n_heads) in enumerate(zip(sides, depths, heads, strict=True))
        )
        self.width = width << (len(depths) - 1)
        self.norm = nn.LayerNorm(self.width)

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Map log-mel spectrograms (n, 64, 1001) to vectors (n, width)."""
        normalised = self.bn0(spectrograms[..., None])[..., 0]
        tokens = self.patch_embed(fold(normalised))
        for stage in self.layers:
            tokens = stage(tokens)
        return self.norm(tokens).mean((1, 2))


def fold(spectrograms: Tensor) -> Tensor:
    """Stretch spectrograms (n, 64, 1001) to 1024 frames, and fold them to (n, 1, 256, 256)."""
    image = functional.interpolate(
        spectrograms[:, None], (N_BANDS, SIDE * _FOLDS), mode="bicubic", align_corners=True
    )
    return image.unflatten(3, (_FOLDS, SIDE)).permute(0, 1, 3, 2, 4).flatten(2, 3)


class PatchEmbedding(nn.Module):
    """Vectors of the patches of an image, (n, rows, columns, width)."""

    def __init__(self, width: int):
        super().__init__()
        self.proj = nn.Conv2d(1, width, PATCH, PATCH)
        self.norm = nn.LayerNorm(width)

    def forward(self, image: Tensor) -> Tensor:
        return self.norm(self.proj(image).permute(0, 2, 3, 1))


class Stage(nn.Module):
    """Blocks on a map of one size, and what halves it for the next stage."""

    def __init__(self, width: int, side: int, depth: int, heads: int, ratio: float, last: bool):
        super().__init__()
        self.blocks = nn.ModuleList(
            Block(width, side, heads, ratio, shifted=bool(k % 2)) for k in range(depth)
        )
        self.downsample = None if last else Merging(width)

    def forward(self, tokens: Tensor) -> Tensor:
        for block in self.blocks:
            tokens = block(tokens)
        return tokens if self.downsample is None else self.downsample(tokens)


class Merging(nn.Module):
    """Make one token of each square of four, with twice their numbers."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        corners = [tokens[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, -1)))


class Block(nn.Module):
    """Attention within windows, and a small network for each token."""

    def __init__(self, width: int, side: int, heads: int, ratio: float, *, shifted: bool):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = MLP(width, int(width * ratio))
        # A map of one window has nothing to shift.
        self.shift = WINDOW // 2 if shifted and side > WINDOW else 0
        self.register_buffer("mask", make_mask(side, self.shift), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        normalised = self.norm1(tokens)
        if self.shift:
            normalised = normalised.roll((-self.shift, -self.shift), (1, 2))
        attended = join_windows(self.attn(cut_windows(normalised), self.mask), tokens.shape)
        if self.shift:
            attended = attended.roll((self.shift, self.shift), (1, 2))
        tokens = tokens + attended
        return tokens + self.mlp(self.norm2(tokens))


class MLP(nn.Module):
    """Two layers with a GELU between them."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(tokens)))


class WindowAttention(nn.Module):
    """Attention of the tokens of a window to each other, with a bias for how far they are apart."""

    distances: Tensor

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        span = 2 * WINDOW - 1
        self.relative_position_bias_table = nn.Parameter(torch.zeros(span * span, heads))
        self.register_buffer("distances", number_distances(), persistent=False)

    def forward(self, windows: Tensor, mask: Tensor) -> Tensor:
        """Map (n, n_windows, 64, width), masked by (n_windows or 1, 64, 64), to the same shape."""
        split = self.qkv(windows).unflatten(-1, (3, self.heads, -1))
        query, key, value = split.permute(3, 0, 1, 4, 2, 5)
        bias = self.relative_position_bias_table[self.distances].permute(2, 0, 1) + mask[:, None]
        if torch.compiler.is_exporting():
            scores = query @ key.transpose(3, 4) * query.shape[-1] ** -0.5
            attended = (scores + bias).softmax(-1) @ value
            return self.proj(attended.transpose(2, 3).flatten(3))
        # One clip at a time: the quick kernel of a CPU takes four dimensions and their mask.
        attended = [
            functional.scaled_dot_product_attention(*parts, attn_mask=bias)
            for parts in zip(query, key, value, strict=True)
        ]
        return self.proj(torch.stack(attended).transpose(2, 3).flatten(3))


def cut_windows(tokens: Tensor) -> Tensor:
    """Cut maps (n, rows, columns, width) into windows (n, n_windows, 64, width)."""
    n, rows, columns, width = tokens.shape
    cut = tokens.reshape(n, rows // WINDOW, WINDOW, columns // WINDOW, WINDOW, width)
    return cut.transpose(2, 3).reshape(n, -1, WINDOW * WINDOW, width)


def join_windows(windows: Tensor, shape: torch.Size) -> Tensor:
    """Undo `cut_windows`."""
    n, rows, columns, width = shape
    cut = windows.reshape(n, rows // WINDOW, columns // WINDOW, WINDOW, WINDOW, width)
    return cut.transpose(2, 3).reshape(shape)


def number_distances() -> Tensor:
    """The row of the table of biases for each two tokens of a window, (64, 64)."""
    places = torch.arange(WINDOW * WINDOW)
    rows, columns = places // WINDOW, places % WINDOW
    down = rows[:, None] - rows[None] + WINDOW - 1
    right = columns[:, None] - columns[None] + WINDOW - 1
    return down * (2 * WINDOW - 1) + right


def make_mask(side: int, shift: int) -> Tensor:
    """What keeps tokens apart that a shift brought together, (n_windows or 1, 64, 64)."""
    if not shift:
        return torch.zeros(1, WINDOW * WINDOW, WINDOW * WINDOW)
    places = torch.arange(side)
    bands = (places >= side - WINDOW).int() + (places >= side - shift).int()
    regions = 3 * bands[:, None] + bands[None]
    regions = cut_windows(regions[None, :, :, None])[0, :, :, 0]
    return _MASKED * (regions[:, :, None] != regions[:, None, :]).float()
