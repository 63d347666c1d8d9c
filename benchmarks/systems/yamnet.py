"""YAMNet."""

from functools import partial

from benchmarks.systems.official import common_parameters, find_weights
from benchmarks.systems.system import System
from skw2c import YAMNetTransformer


def official(options):
    """The official weights, from any of the files that hold them."""
    make = partial(make_yamnet, options)
    return System("yamnet", "YAMNet", make_encoder=make, colour="#009E73")


def make_yamnet(options, **parameters):
    """The transformer."""
    files = ["yamnet_float32.npz", "yamnet.tflite"]
    weights = find_weights(options, ["yamnet"], files)
    return YAMNetTransformer(weights, **parameters, **common_parameters(options))
