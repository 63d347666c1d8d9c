"""The small encoder that the package carries."""

from functools import partial

from benchmarks.systems.official import common_parameters, make_clip
from benchmarks.systems.system import System
from skw2c import CLIPImageEncoder, CLIPTextEncoder, Wav2CLIPTransformer


def _mini(make, **more):
    features = partial(make, output="encoder")
    return System("mini", "Wav2CLIP mini", **{"make_features": features, **more})


def official(options):
    """With CLIP as its partner."""

    def make(**parameters):
        return Wav2CLIPTransformer("mini", **parameters, **common_parameters(options))

    return _mini(
        make,
        make_encoder=make,
        make_text_encoder=partial(make_clip, CLIPTextEncoder, options),
        make_image_encoder=partial(make_clip, CLIPImageEncoder, options),
    )


def in_world(world):
    """Without a partner: the world's small CLIP has a space of its own."""

    def make(**parameters):
        return Wav2CLIPTransformer("mini", **parameters, **world.parameters)

    return _mini(
        make,
        make_encoder=partial(make, output="encoder"),
        notes=["learned from real sound, not in this world"],
    )
