"""OpenL3: the networks of sound and of images, frozen."""

from ._frozen_openl3 import (
    AUDIO_GRIDS,
    IMAGE_GRIDS,
    get_frozen_openl3,
    get_frozen_openl3_image,
)
from ._openl3_front_end import FRONTENDS, INPUT_REPRS, SAMPLING_RATE
from ._openl3_graph import graph_openl3
from ._openl3_network import random_openl3, read_out
from ._openl3_state import build_openl3

AUDIO_SIZES, IMAGE_SIZES = tuple(AUDIO_GRIDS), tuple(IMAGE_GRIDS)

__all__ = [
    "AUDIO_SIZES",
    "FRONTENDS",
    "IMAGE_SIZES",
    "INPUT_REPRS",
    "SAMPLING_RATE",
    "build_openl3",
    "get_frozen_openl3",
    "get_frozen_openl3_image",
    "graph_openl3",
    "random_openl3",
    "read_out",
]
