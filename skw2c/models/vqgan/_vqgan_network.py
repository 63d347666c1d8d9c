"""VQGAN: images to a grid of codes, and back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._vqgan_blocks import Downsample, Level, Middle, Upsample, make_norm, quantize


@dataclass(frozen=True)
class VQGANConfiguration:
    """Sizes of a VQGAN; the defaults are those of ImageNet f16 with 16384 codes.

    Attributes
    ----------
    first_width : int
        Channels of the first convolution.
    widths : tuple of int
        Channels of each resolution, from the highest to the lowest.
    n_blocks : int
        Residual blocks of each resolution in the encoder; the decoder has one more.
    attention : tuple of int
        Resolutions, by number, with attention after each block.
    z_channels : int
        Channels between encoder and quantiser.
    n_codes, code_width : int
        Number of codes, and the length of each.
    """

    first_width: int = 128
    widths: tuple[int, ...] = (128, 128, 256, 256, 512)
    n_blocks: int = 2
    attention: tuple[int, ...] = (4,)
    z_channels: int = 256
    n_codes: int = 16384
    code_width: int = 256

    @property
    def factor(self) -> int:
        """Pixels of an image along one side of a code."""
        return 2 ** (len(self.widths) - 1)


class Encoder(nn.Module):
    """Images (batch, 3, height, width) to (batch, z_channels, rows, columns)."""

    def __init__(self, configuration: VQGANConfiguration):
        super().__init__()
        first, widths = configuration.first_width, configuration.widths
        self.conv_in = nn.Conv2d(3, first, 3, padding=1)
        self.down = nn.ModuleList()
        for number, (before, after) in enumerate(zip((first, *widths), widths, strict=False)):
            own = (before, *[after] * configuration.n_blocks)
            level = Level(own, number in configuration.attention)
            if number < len(widths) - 1:
                level.downsample = Downsample(after)
            self.down.append(level)
        self.mid = Middle(widths[-1])
        self.norm_out = make_norm(widths[-1])
        self.conv_out = nn.Conv2d(widths[-1], configuration.z_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        return self.conv_out(functional.silu(self.norm_out(self.mid(x))))


class Decoder(nn.Module):
    """(batch, z_channels, rows, columns) to images (batch, 3, height, width)."""

    def __init__(self, configuration: VQGANConfiguration):
        super().__init__()
        widths = configuration.widths
        self.conv_in = nn.Conv2d(configuration.z_channels, widths[-1], 3, padding=1)
        self.mid = Middle(widths[-1])
        self.up = nn.ModuleList()
        for number, (before, after) in enumerate(
            zip((*widths[1:], widths[-1]), widths, strict=True)
        ):
            own = (before, *[after] * (configuration.n_blocks + 1))
            level = Level(own, number in configuration.attention)
            if number > 0:
                level.upsample = Upsample(after)
            self.up.append(level)
        self.norm_out = make_norm(widths[0])
        self.conv_out = nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            x = level(x)
        return self.conv_out(functional.silu(self.norm_out(x)))


class Quantizer(nn.Module):
    """The codes, and what lies nearest to each of them."""

    def __init__(self, configuration: VQGANConfiguration):
        super().__init__()
        self.embedding = nn.Embedding(configuration.n_codes, configuration.code_width)
        nn.init.uniform_(
            self.embedding.weight, -1 / configuration.n_codes, 1 / configuration.n_codes
        )

    def forward(self, z: Tensor) -> Tensor:
        """The nearest codes (batch, code_width, rows, columns).

        The gradient passes as if z itself had been returned.
        """
        nearest = self.look_up(quantize(z.detach(), self.embedding.weight))
        return _StraightThrough.apply(nearest, z)

    def look_up(self, codes: Tensor) -> Tensor:
        """Codes of numbers (batch, rows, columns), as (batch, code_width, rows, columns)."""
        return self.embedding(codes).movedim(-1, 1)


class VQGAN(nn.Module):
    """VQGAN, with the names of the official checkpoints.

    Images are in [-1, 1]. The latents are what the quantiser takes.

    Parameters
    ----------
    configuration : VQGANConfiguration
        Its sizes.
    """

    def __init__(self, configuration: VQGANConfiguration):
        super().__init__()
        self.configuration = configuration
        width, z_channels = configuration.code_width, configuration.z_channels
        self.encoder = Encoder(configuration)
        self.decoder = Decoder(configuration)
        self.quantize = Quantizer(configuration)
        self.quant_conv = nn.Conv2d(z_channels, width, 1)
        self.post_quant_conv = nn.Conv2d(width, z_channels, 1)

    def encode(self, images: Tensor) -> Tensor:
        """Latents (batch, code_width, rows, columns), not quantised."""
        return self.quant_conv(self.encoder(images))

    def decode(self, latents: Tensor) -> Tensor:
        """Images of latents that are quantised, or between codes."""
        return self.decoder(self.post_quant_conv(latents))

    def forward(self, images: Tensor) -> Tensor:
        return self.decode(self.quantize(self.encode(images)))


def random_vqgan(seed: int, configuration: VQGANConfiguration | None = None) -> VQGAN:
    """Draw an untrained VQGAN, in eval mode; torch's own generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return VQGAN(configuration or VQGANConfiguration()).eval().requires_grad_(False)


class _StraightThrough(torch.autograd.Function):
    """The value of the first, with the gradient of the second."""

    @staticmethod
    def forward(ctx, value: Tensor, source: Tensor) -> Tensor:
        return value

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return gradient, gradient
