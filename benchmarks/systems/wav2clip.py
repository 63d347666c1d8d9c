"""Wav2CLIP: with official weights, distilled in the generated world, or untrained there."""

from functools import partial
from pathlib import Path

import torch

from benchmarks.systems.official import (
    common_parameters,
    find_weights,
    make_clip,
    make_image_generator,
)
from benchmarks.systems.system import System
from skw2c import AudioToImage, CLIPImageEncoder, CLIPTextEncoder, Wav2CLIPTransformer
from skw2c.datasets import pair_frames, train_small_vqgan
from skw2c.models import Wav2CLIP
from skw2c.weights import keep_in_memory, registry, sha256_of

_UNTRAINED = dict(
    title="Wav2CLIP (untrained)", colour="#8A8A8A", notes=["random weights"], trained_on=()
)


def official(options):
    """The official weights, or those that the command line names."""

    def make(output="embedding"):
        weights = options.weights
        if weights == "auto":
            weights = find_weights(options, ["wav2clip"])
        weights = None if weights == "none" else weights
        return Wav2CLIPTransformer(weights, output=output, **common_parameters(options))

    return System(
        "wav2clip",
        make_encoder=make,
        make_features=lambda: make(options.output),
        make_text_encoder=partial(make_clip, CLIPTextEncoder, options),
        make_image_encoder=partial(make_clip, CLIPImageEncoder, options),
        make_image_generator=partial(make_image_generator, options),
        **_describe_weights(options.weights),
    )


def _describe_weights(weights):
    """Official weights, random ones, and somebody's own have different rows."""
    if weights == "none":
        return _UNTRAINED
    path = Path(weights)
    if path.is_file() and sha256_of(path) != registry()["wav2clip"].sha256:
        return dict(title=f"Wav2CLIP ({path.name})", trained_on=("VGGSound",))
    return dict(title="Wav2CLIP", colour="#1F7FC4", trained_on=("VGGSound",))


def in_world(world):
    """The encoder that was distilled in the generated world."""

    def make(**parameters):
        return Wav2CLIPTransformer(world.made.encoder, **parameters, **world.parameters)

    def make_partner(kind):
        return kind(world.made.clip, device=world.device, normalize=True)

    return System(
        "wav2clip",
        "Wav2CLIP (distilled)",
        make_encoder=make,
        make_features=partial(make, output="encoder"),
        make_text_encoder=partial(make_partner, CLIPTextEncoder),
        make_image_encoder=partial(make_partner, CLIPImageEncoder),
        make_image_generator=partial(_make_small_generator, world),
        colour="#56B4E9",
    )


def _make_small_generator(world):
    """Generates images of the world by a small VQGAN that learned them."""
    options = world.options
    pairs = pair_frames(world.known, n_visible=2, random_state=options.seed)
    weights = train_small_vqgan(
        pairs.images,
        folder=Path(world.made.clip).parent,
        random_state=options.seed,
        verbose=options.verbose,
    )
    return AudioToImage(
        weights,
        clip_model=world.made.clip,
        size=pairs.images.shape[1],
        n_iter=options.painting_steps,
        learning_rate=0.05,
        n_cutouts=8,
        device=world.device,
        random_state=options.seed,
        verbose=options.verbose,
    )


def untrained(world):
    """The network that is distilled in the world, before anything is learned."""

    def make():
        weights = _draw_weights(world.made.width, world.options.seed)
        return Wav2CLIPTransformer(weights, output="encoder", **world.parameters)

    return System("untrained", make_encoder=make, **_UNTRAINED)


def _draw_weights(width, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return keep_in_memory(Wav2CLIP(width=width).eval().state_dict())
