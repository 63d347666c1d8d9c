"""CED's network: a transformer over patches of a mel spectrogram."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, pad, scaled_dot_product_attention

N_BANDS, N_CLASSES = 64, 527
PATCH = 16
"""Bands and frames of a patch."""
CHUNK_FRAMES = 1012
"""Frames of the longest sound that the network sees at once."""
CHUNK_COLUMNS = CHUNK_FRAMES // PATCH * PATCH
"""Frames of these that are in whole patches."""

_MINI = dict(width=256, n_heads=4, depth=12, n_classes=N_CLASSES)
_ENCODER_EPSILON = 1e-6


class CED(nn.Module):
    """One of the networks of "CED: Consistent ensemble distillation for audio tagging".

    The names of its parameters are those of the official files.

    Parameters
    ----------
    width : int
        Numbers of a token.
    n_heads : int
        Heads of the attention, each of ``width / n_heads`` numbers.
    depth : int
        Number of blocks.
    n_classes : int
        Number of classes.
    """

    def __init__(self, width: int, n_heads: int, depth: int, n_classes: int):
        super().__init__()
        self.encoder = CEDEncoder(width, n_heads, depth)
        self.outputlayer = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, n_classes))

    def forward(self, decibels: Tensor) -> Tensor:
        """Map (batch, 64, n_frames), of at most 1012 frames, to logits (batch, n_classes)."""
        columns = arrange_columns(self.encoder.normalise(decibels))
        return self.outputlayer(self.encoder(columns).mean(1))


class CEDEncoder(nn.Module):
    """What makes tokens of a spectrogram.

    Parameters
    ----------
    width, n_heads, depth : int
        As of `CED`.
    """

    def __init__(self, width: int, n_heads: int, depth: int):
        super().__init__()
        self.n_heads = n_heads
        self.init_bn = nn.BatchNorm2d(N_BANDS)
        self.patch_embed = _Patches(width)
        self.time_pos_embed = nn.Parameter(torch.zeros(1, width, 1, CHUNK_COLUMNS // PATCH))
        self.freq_pos_embed = nn.Parameter(torch.zeros(1, width, N_BANDS // PATCH, 1))
        self.blocks = nn.Sequential(*(_Block(width, n_heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=_ENCODER_EPSILON)

    @property
    def width(self) -> int:
        """Numbers of a token."""
        return self.norm.normalized_shape[0]

    def normalise(self, decibels: Tensor) -> Tensor:
        """Scale and shift each band of (batch, 64, n_frames)."""
        return self.init_bn(decibels[..., None])[..., 0]

    def forward(self, columns: Tensor) -> Tensor:
        """Map normalised (batch, 64, columns), in whole patches, to (batch, tokens, width).

        The tokens of the lowest bands come first, each band's in the order of time.
        """
        x = self.patch_embed(columns)
        x = x + self.time_pos_embed[..., : x.shape[-1]] + self.freq_pos_embed
        return self.norm(self.blocks(x.flatten(2).transpose(1, 2)))


class _Patches(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.proj = nn.Conv2d(1, width, PATCH, stride=PATCH)

    def forward(self, columns: Tensor) -> Tensor:
        return self.proj(columns[:, None])


class _Block(nn.Module):
    """A block of the transformer, normalised before each of its two parts."""

    def __init__(self, width: int, n_heads: int):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=_ENCODER_EPSILON)
        self.attn = _Attention(width, n_heads)
        self.norm2 = nn.LayerNorm(width, eps=_ENCODER_EPSILON)
        self.mlp = _Perceptron(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class _Attention(nn.Module):
    def __init__(self, width: int, n_heads: int):
        super().__init__()
        self.n_heads = n_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.qkv(x).unflatten(2, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(scaled_dot_product_attention(*qkv).transpose(1, 2).flatten(2))


class _Perceptron(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(gelu(self.fc1(x)))


def arrange_columns(normalised: Tensor) -> Tensor:
    """Keep of (..., n_frames) what the network sees of it: (..., columns).

    Of a short sound these are the frames in whole patches. A longer one goes in chunks of 1012
    frames, the last one filled with zeros: 1008 columns of each, one after the other.
    """
    n_frames = normalised.shape[-1]
    if n_frames <= CHUNK_FRAMES:
        return normalised[..., : n_frames // PATCH * PATCH]
    return cut_chunks(normalised).flatten(-2)


def cut_chunks(normalised: Tensor) -> Tensor:
    """Cut (..., n_frames) into chunks, the last one filled with zeros: (..., n_chunks, 1008)."""
    filled = pad(normalised, (0, -normalised.shape[-1] % CHUNK_FRAMES))
    return filled.unflatten(-1, (-1, CHUNK_FRAMES))[..., :CHUNK_COLUMNS]


def random_ced(seed: int) -> CED:
    """Draw an untrained ced-mini, the same for the same seed, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = CED(**_MINI).float().eval()
        encoder = network.encoder
        with torch.no_grad():
            encoder.time_pos_embed.normal_(0, 0.02)
            encoder.freq_pos_embed.normal_(0, 0.02)
            # Decibels of most sounds; without it, the patches would outweigh all that follows.
            encoder.init_bn.get_buffer("running_mean").fill_(-20)
            encoder.init_bn.get_buffer("running_var").fill_(20**2)
    return network.requires_grad_(False)
