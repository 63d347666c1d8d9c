"""Steps of painting an image: VQGAN of the published size, guided by a vision transformer.

The transformer stands for CLIP's ViT-B/32 (its sizes, random weights), so that open_clip is not
needed.
"""

import time

import numpy as np
import torch
from torch import nn

from skw2c.models._exact import exact_cudnn
from skw2c.models.vqgan import (
    FrozenVQGAN,
    Guidance,
    GuidedGenerator,
    VQGANConfiguration,
    random_vqgan,
)

WIDTH = 512
TINY = VQGANConfiguration(first_width=32, widths=(32, 32), attention=(1,), z_channels=8, n_codes=16)


class Eye(nn.Module):
    """Images to vectors, with the sizes of ViT-B/32; stands where a FrozenCLIP would.

    Parameters
    ----------
    n_layers : int
    """

    image_size = (224, 224)
    width = WIDTH

    def __init__(self, n_layers):
        super().__init__()
        self.patches = nn.Conv2d(3, 768, 32, 32, bias=False)
        layer = nn.TransformerEncoderLayer(
            768, 12, 3072, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, n_layers, enable_nested_tensor=False)
        self.project = nn.Linear(768, WIDTH, bias=False)

    def encode_pixels(self, pixels):
        """Vectors (n, width) of images (n, 3, height, width)."""
        patches = self.patches(pixels).flatten(2).transpose(1, 2)
        return self.project(self.layers(patches).mean(dim=1))


def measure(options, sizes, deadline):
    """Paint one image; yield a row."""
    device = options.device
    torch.manual_seed(0)
    is_small = sizes.image < 64
    vqgan = FrozenVQGAN(random_vqgan(0, TINY if is_small else None), device)
    eye = Eye(1 if is_small else 12).eval().requires_grad_(False).to(device)
    guidance = Guidance(0.1, sizes.cutouts, (), 0.1, 0)
    target = np.random.default_rng(0).standard_normal((1, WIDTH)).astype(np.float32)
    start = vqgan.draw_latents(sizes.image, sizes.image, 0)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    clock = []
    with exact_cudnn():
        painted = GuidedGenerator(vqgan, eye, guidance).generate(
            start, target, [1.0], sizes.paint_steps + 1, lambda *_: clock.append(stop(device))
        )
    if not torch.isfinite(painted).all() or torch.equal(painted, start):
        yield "failures", "the image did not change, or has numbers that are not finite"
    seconds = (clock[-1] - clock[0]) / sizes.paint_steps
    row = {"image": f"{sizes.image} x {sizes.image}", "steps/s": f"{1 / seconds:.1f}"}
    if device == "cuda":
        row["peak memory, GB"] = f"{torch.cuda.max_memory_allocated() / 1e9:.1f}"
    yield "rows", {**row, "cutouts": sizes.cutouts}


def stop(device):
    """The time when all work is done."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
