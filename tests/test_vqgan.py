"""VQGAN: parity with other programs, strict reading, gradients."""

import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from skw2c.exceptions import WeightsError
from skw2c.models.vqgan import VQGANConfiguration, build_vqgan, get_frozen_vqgan, random_vqgan
from skw2c.models.vqgan._pixels import AUGMENTATIONS, ClampWithGradient, Cutouts
from skw2c.weights import read_checkpoint, refer_to, registry

from .tolerances import assert_close, tolerance
from .vqgan_files import TINY, PlainVQGAN, draw_state, write_tiny_vqgan

SMALL = VQGANConfiguration(
    first_width=8,
    widths=(8, 8, 12, 16),
    n_blocks=1,
    attention=(3,),
    z_channels=12,
    n_codes=50,
    code_width=6,
)
OTHER = replace(SMALL, first_width=12, n_blocks=2, attention=(1, 2))


@pytest.mark.parametrize(("configuration", "size"), [(SMALL, (256, 256)), (OTHER, (48, 80))])
def test_plain_reference(configuration, size):
    state = draw_state(configuration)
    network, plain = build_vqgan(state, "it"), PlainVQGAN(state)
    images = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        latents = network.encode(images)
        codes = network.quantize(latents)
        painted = network.decode(codes)
    assert latents.shape == (1, 6, size[0] // 8, size[1] // 8)
    assert_close(latents, plain.encode(images))
    np.testing.assert_array_equal(codes, plain.quantize(latents).float())
    assert_close(painted, plain.decode(codes))
    assert painted.std() > 0.1


@pytest.mark.parametrize("size", [(32, 32), (18, 26)])
def test_diffusers(size):
    """The full width with fewer levels, as another library has it."""
    diffusers = pytest.importorskip("diffusers")
    configuration = VQGANConfiguration(widths=(128, 256), attention=(1,), n_codes=64)
    state = draw_state(configuration)
    other = diffusers.VQModel(
        down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
        block_out_channels=(128, 256),
        layers_per_block=2,
        latent_channels=256,
        num_vq_embeddings=64,
        vq_embed_dim=256,
    ).eval()
    other.load_state_dict(dict(_as_diffusers(state, n_levels=2)))
    network = build_vqgan(state, "it")
    images = torch.rand(1, 3, *size) * 2 - 1
    with torch.no_grad():
        latents = network.encode(images)
        assert_close(latents, other.encode(images).latents)
        codes = network.quantize(latents)
        painted = other.decode(codes, force_not_quantize=True).sample
        assert_close(network.decode(codes), painted)


def _as_diffusers(state, n_levels):
    """The entries under the names of diffusers."""
    changes = [
        (r"encoder\.down\.", "encoder.down_blocks."),
        (r"decoder\.up\.(\d)", lambda m: f"decoder.up_blocks.{n_levels - 1 - int(m[1])}"),
        (r"\.block\.(\d)", r".resnets.\1"),
        (r"\.attn\.(\d)", r".attentions.\1"),
        (r"mid\.block_1", "mid_block.resnets.0"),
        (r"mid\.block_2", "mid_block.resnets.1"),
        (r"mid\.attn_1", "mid_block.attentions.0"),
        (r"\.(down|up)sample\.", r".\1samplers.0."),
        (r"norm_out", "conv_norm_out"),
        (r"nin_shortcut", "conv_shortcut"),
        (r"(attentions\.\d)\.norm", r"\1.group_norm"),
        (r"(attentions\.\d)\.([qkv])\.", r"\1.to_\2."),
        (r"(attentions\.\d)\.proj_out", r"\1.to_out.0"),
    ]
    for name, value in state.items():
        for pattern, replacement in changes:
            name = re.sub(pattern, replacement, name)
        is_matrix = "attentions" in name and value.ndim == 4
        yield name, value[:, :, 0, 0] if is_matrix else value


def test_official_sizes():
    """Names and shapes of the official checkpoints, and the number of their weights."""
    with torch.device("meta"):
        network = random_vqgan(0)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes["quantize.embedding.weight"] == (16384, 256)
    assert shapes["quant_conv.weight"] == (256, 256, 1, 1)
    assert shapes["decoder.up.4.attn.2.proj_out.weight"] == (512, 512, 1, 1)
    assert shapes["encoder.down.4.attn.1.q.bias"] == (512,)
    assert shapes["encoder.down.2.block.0.nin_shortcut.weight"] == (256, 128, 1, 1)
    assert "encoder.down.4.downsample.conv.weight" not in shapes
    assert "decoder.up.0.upsample.conv.weight" not in shapes
    assert sum(bool(re.search(r"attn\.\d\.q\.weight", name)) for name in shapes) == 2 + 3
    assert network.configuration.factor == 16
    for name in ("vqgan-imagenet-f16-16384", "vqgan-imagenet-f16-1024"):
        assert registry()[name].model == "vqgan"


@pytest.mark.parametrize("configuration", [TINY, SMALL, OTHER], ids=["tiny", "small", "other"])
def test_sizes_are_read_from_shapes(configuration):
    state = draw_state(configuration)
    state["loss.discriminator.main.0.weight"] = torch.zeros(3)
    assert build_vqgan(state, "it").configuration == configuration


def change(state, name, value=None):
    changed = {key: entry for key, entry in state.items() if key != name}
    return changed if value is None else {**changed, name: value}


def test_what_is_refused():
    state = draw_state()
    conv, codes = "decoder.up.1.upsample.conv.weight", "quantize.embedding.weight"
    for changed, message in (
        (change(state, conv), rf"The file does not fit VQGAN. Missing: {re.escape(conv)}"),
        (change(state, "decoder.odd", torch.zeros(1)), r"Unexpected: decoder\.odd"),
        (change(state, conv, torch.zeros(1, 2)), r"has shape \(1, 2\), expected \(16, 16, 3, 3\)"),
        (change(state, conv, state[conv] * np.nan), "damaged: .* holds NaN"),
        (change(state, codes), "not a checkpoint of VQGAN: it lacks 'quantize.embedding.weight'"),
        (change(state, "encoder.down.0.block.0.conv1.weight"), "Missing: encoder.down.0.block.0"),
        ({"audio_encoder.conv1.weight": torch.zeros(1)}, "is not a checkpoint of VQGAN"),
        ({k: v for k, v in state.items() if ".down." not in k}, "Those of other programs"),
        (change(state, "encoder.conv_in.weight", torch.zeros(9, 3, 3, 3)), "must be divisible"),
    ):
        with pytest.raises(WeightsError, match=message):
            build_vqgan(changed, "The file")


class _Callback:
    """Stands for a class of Lightning."""


def write_lightning(path, state, module, name):
    """A checkpoint that names a class as the official ones do, and has an instance of it."""
    kind = type(name, (_Callback,), {"__module__": module, "__qualname__": name})

    class Pickler(pickle._Pickler):
        def save_global(self, obj, name=None):
            if obj is kind:
                self.write(f"c{module}\n{kind.__name__}\n".encode())
                self.memoize(obj)
                return
            super().save_global(obj, name)

        dispatch = {**pickle._Pickler.dispatch, type: save_global}

    library = type("library", (), {**vars(pickle), "Pickler": Pickler})
    instance = kind()
    instance.best = 0.5
    content = {"callbacks": {kind: {"best": 1.0}}, "hyper": instance, "state_dict": state}
    torch.save(content, path, pickle_module=library, _use_new_zipfile_serialization=False)


def test_lightning_is_read_and_not_run(tmp_path):
    state = draw_state()
    module = "pytorch_lightning.callbacks.model_checkpoint"
    write_lightning(tmp_path / "v.ckpt", state, module, "ModelCheckpoint")
    read = read_checkpoint(tmp_path / "v.ckpt")
    assert read.keys() == state.keys()
    assert torch.equal(read["quant_conv.weight"], state["quant_conv.weight"])
    write_lightning(tmp_path / "w.ckpt", state, "posix", "system")
    with pytest.raises(WeightsError, match=r"objects other than tensors.*convert it"):
        read_checkpoint(tmp_path / "w.ckpt")


def test_frozen(tmp_path):
    vqgan = get_frozen_vqgan(refer_to(write_tiny_vqgan(tmp_path / "v.pt"), "vqgan"), "cpu")
    latents = vqgan.draw_latents(8, 12, seed=3)
    assert latents.shape == (1, 4, 4, 6)
    assert torch.equal(latents, vqgan.draw_latents(8, 12, seed=3))
    assert torch.equal(latents, vqgan.quantize(latents))
    assert not torch.equal(latents, vqgan.draw_latents(8, 12, seed=4))
    codes = draw_state()["quantize.embedding.weight"]
    assert torch.equal(vqgan.lowest.flatten(), codes.min(0).values)
    image = vqgan.show(latents)
    assert (image.shape, image.dtype) == ((8, 12, 3), np.uint8)
    pixels = vqgan.render(latents)[0].permute(1, 2, 0)
    np.testing.assert_allclose(image / 255, pixels, atol=0.5 / 255 + tolerance(1, 4))
    white = np.full((8, 12, 3), 255, np.uint8)
    plain = PlainVQGAN(draw_state()).encode(torch.ones(1, 3, 8, 12))
    assert_close(vqgan.encode(white), plain)


def test_straight_through():
    """The gradient with respect to codes reaches the latents as it is."""
    network = build_vqgan(draw_state(), "it")
    latents = torch.randn(1, 4, 2, 3, requires_grad=True)
    weights = torch.randn(1, 4, 2, 3)
    (network.quantize(latents) * weights).sum().backward()
    assert torch.equal(latents.grad, weights)


def test_clamp_lets_the_gradient_lead_back():
    x = torch.tensor([-1.0, -1.0, 0.5, 2.0, 2.0], requires_grad=True)
    clamped = ClampWithGradient.apply(x)
    assert clamped.tolist() == [0, 0, 0.5, 1, 1]
    (clamped * torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0])).sum().backward()
    # Steps go against the gradient: below 0 only upward is of use, above 1 only downward.
    assert x.grad.tolist() == [0, -1, 1, 1, 0]


def test_cutouts():
    image = torch.rand(1, 3, 40, 24, generator=torch.Generator().manual_seed(0))
    plain = Cutouts((8, 8), 3, (), 0.0, 0, torch.device("cpu"))(image)
    blocks = image[0].reshape(3, 8, 5, 8, 3)
    expected = (blocks.mean((2, 4)) + blocks.amax((2, 4))) / 2
    for copy in plain:
        assert_close(copy, expected)
    noisy = Cutouts((64, 64), 400, (), 0.1, 0, torch.device("cpu"))(image * 0)
    deviations = noisy.std((1, 2, 3))
    assert deviations.max() < 0.102
    np.testing.assert_allclose(deviations.mean(), 0.05, atol=0.006)
    assert not torch.allclose(noisy[0], noisy[1])


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations(name):
    pytest.importorskip("kornia")
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    image.requires_grad_()

    def cut(seed):
        return Cutouts((32, 32), 8, (name,), 0.0, seed, torch.device("cpu"))

    state = torch.random.get_rng_state()
    cutouts = cut(0)
    calls = [cutouts(image) for _ in range(12)]
    assert torch.equal(torch.random.get_rng_state(), state)
    changed = [bool((copy - image).abs().max() > 1e-4) for copies in calls for copy in copies]
    assert 0.4 < np.mean(changed) < 0.95
    torch.manual_seed(99)
    again = cut(0)
    assert all(torch.equal(copies, again(image)) for copies in calls)
    other = cut(1)
    assert not all(torch.equal(copies, other(image)) for copies in calls)
    sum(copies.sum() for copies in calls).backward()
    assert image.grad.abs().sum() > 0
