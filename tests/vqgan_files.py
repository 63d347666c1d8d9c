"""VQGAN once more, written differently, and small checkpoints of it."""

import math

import torch

from skw2c.models.vqgan import VQGANConfiguration, random_vqgan

TINY = VQGANConfiguration(
    first_width=8,
    widths=(8, 16),
    n_blocks=1,
    attention=(1,),
    z_channels=8,
    n_codes=32,
    code_width=4,
)


def draw_state(configuration=TINY, seed=0):
    """Entries of a checkpoint, none of which is without effect."""
    state = random_vqgan(seed, configuration).state_dict()
    generator = torch.Generator().manual_seed(seed)
    for name, value in state.items():
        if name.endswith("bias"):
            value += 0.1 * torch.randn(value.shape, generator=generator)
        elif "norm" in name:
            value += 0.2 * torch.randn(value.shape, generator=generator)
    codes = state["quantize.embedding.weight"]
    codes.copy_(0.3 * torch.randn(codes.shape, generator=generator))
    return state


def write_tiny_vqgan(path, configuration=TINY, seed=0):
    """Write a small VQGAN as the official checkpoints are."""
    torch.save({"state_dict": draw_state(configuration, seed), "epoch": 3}, path)
    return str(path)


class PlainVQGAN:
    """The network of the paper, walked through entry by entry in double precision.

    Parameters
    ----------
    state : dict of str to Tensor
        Entries of a checkpoint.
    """

    def __init__(self, state):
        self.state = {name: value.double() for name, value in state.items()}

    def encode(self, x):
        """Images in [-1, 1] to latents."""
        x = self.convolve("encoder.conv_in", x.double())
        level = 0
        while f"encoder.down.{level}.block.0.conv1.weight" in self.state:
            x = self.level(f"encoder.down.{level}", x)
            if f"encoder.down.{level}.downsample.conv.weight" in self.state:
                below = torch.zeros(*x.shape[:2], 1, x.shape[3], dtype=x.dtype)
                x = torch.cat([x, below], 2)
                beside = torch.zeros(*x.shape[:3], 1, dtype=x.dtype)
                x = self.convolve(
                    f"encoder.down.{level}.downsample.conv", torch.cat([x, beside], 3), 0
                )[:, :, ::2, ::2]
            level += 1
        x = self.middle("encoder.mid", x)
        x = self.convolve("encoder.conv_out", self.swish(self.norm("encoder.norm_out", x)))
        return self.convolve("quant_conv", x, 0)

    def quantize(self, z):
        """The nearest code at each place."""
        codes = self.state["quantize.embedding.weight"]
        places = z.double().permute(0, 2, 3, 1)
        nearest = torch.cdist(places.reshape(-1, codes.shape[1]), codes).argmin(1)
        return codes[nearest].reshape(places.shape).permute(0, 3, 1, 2)

    def decode(self, z):
        """Codes to images."""
        x = self.convolve("decoder.conv_in", self.convolve("post_quant_conv", z.double(), 0))
        x = self.middle("decoder.mid", x)
        level = max(int(name.split(".")[2]) for name in self.state if "decoder.up." in name)
        for number in range(level, -1, -1):
            x = self.level(f"decoder.up.{number}", x)
            if number:
                x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
                x = self.convolve(f"decoder.up.{number}.upsample.conv", x)
        return self.convolve("decoder.conv_out", self.swish(self.norm("decoder.norm_out", x)))

    def level(self, name, x):
        number = 0
        while f"{name}.block.{number}.conv1.weight" in self.state:
            x = self.residual(f"{name}.block.{number}", x)
            if f"{name}.attn.{number}.q.weight" in self.state:
                x = self.attend(f"{name}.attn.{number}", x)
            number += 1
        return x

    def middle(self, name, x):
        x = self.attend(f"{name}.attn_1", self.residual(f"{name}.block_1", x))
        return self.residual(f"{name}.block_2", x)

    def residual(self, name, x):
        y = self.convolve(f"{name}.conv1", self.swish(self.norm(f"{name}.norm1", x)))
        y = self.convolve(f"{name}.conv2", self.swish(self.norm(f"{name}.norm2", y)))
        if f"{name}.nin_shortcut.weight" in self.state:
            x = self.convolve(f"{name}.nin_shortcut", x, 0)
        return x + y

    def attend(self, name, x):
        y = self.norm(f"{name}.norm", x)
        q, k, v = (self.convolve(f"{name}.{part}", y, 0) for part in "qkv")
        scores = torch.einsum("bcij,bckl->bijkl", q, k) / math.sqrt(x.shape[1])
        shares = scores.flatten(3).exp()
        shares = (shares / shares.sum(-1, keepdim=True)).reshape(scores.shape)
        seen = torch.einsum("bijkl,bckl->bcij", shares, v)
        return x + self.convolve(f"{name}.proj_out", seen, 0)

    def norm(self, name, x):
        channels = x.shape[1]
        groups = 32 if channels >= 128 else channels // 4
        parts = x.reshape(len(x), groups, -1)
        mean = parts.mean(2, keepdim=True)
        variance = ((parts - mean) ** 2).mean(2, keepdim=True)
        y = ((parts - mean) / torch.sqrt(variance + 1e-6)).reshape(x.shape)
        gain, shift = (self.state[f"{name}.{part}"][:, None, None] for part in ("weight", "bias"))
        return y * gain + shift

    def convolve(self, name, x, padding=1):
        """A convolution as a matrix product of patches."""
        kernel, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        size = kernel.shape[2]
        patches = torch.nn.functional.unfold(x, size, padding=padding)
        y = kernel.flatten(1) @ patches + bias[:, None]
        rows = x.shape[2] + 2 * padding - size + 1
        return y.reshape(len(x), len(kernel), rows, -1)

    @staticmethod
    def swish(x):
        return x / (1 + torch.exp(-x))
