"""OpenL3, for environmental sounds."""

from benchmarks.systems.official import common_parameters, find_weights
from benchmarks.systems.system import System
from skw2c import OpenL3ImageTransformer, OpenL3Transformer

_OWN = dict(content_type="env", input_repr="mel256")


def official(options):
    """The network of sounds and that of images, which share no space."""

    def make():
        weights = find_weights(options, ["openl3-audio-mel256-env"])
        return OpenL3Transformer(weights, **_OWN, **common_parameters(options))

    def make_image():
        weights = find_weights(options, ["openl3-image-mel256-env"])
        return OpenL3ImageTransformer(weights, **_OWN, device=options.device)

    return System(
        "openl3",
        "OpenL3",
        make_encoder=make,
        make_image_encoder=make_image,
        sampling_rate=48000,
        colour="#E69F00",
    )
