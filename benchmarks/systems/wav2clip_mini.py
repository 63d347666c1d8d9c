"""The small encoder that the package carries."""

from functools import partial

from benchmarks.systems.official import common_parameters
from benchmarks.systems.system import System
from skw2c import MiniTextEncoder, Wav2CLIPTransformer


def _mini(make, **more):
    features = partial(make, output="encoder")
    return System("mini", "Wav2CLIP mini", **{"make_features": features, **more})


def official(options):
    """With its own words as its partner."""

    def make(**parameters):
        return Wav2CLIPTransformer("mini", **parameters, **common_parameters(options))

    return _mini(
        make,
        make_encoder=partial(make, output="words"),
        make_text_encoder=partial(MiniTextEncoder, on_error="nan", verbose=options.verbose),
    )


def in_world(world):
    """Without a partner: the drawings and words of the generated world are not those of mini."""

    def make(**parameters):
        return Wav2CLIPTransformer("mini", **parameters, **world.parameters)

    return _mini(
        make,
        make_encoder=partial(make, output="encoder"),
        notes=["learned from real sound, not in this world"],
    )
