"""AudioCLIP: its audio encoder, to be trained and frozen."""

from ._audioclip_graph import graph_audioclip
from ._audioclip_state import build_audioclip, read_logit_scales
from ._esresnext import ESResNeXtFBSP, random_audioclip
from ._frozen_audioclip import FrozenAudioCLIP, get_frozen_audioclip
from ._text_tuning import TextTuning

__all__ = [
    "ESResNeXtFBSP",
    "FrozenAudioCLIP",
    "TextTuning",
    "build_audioclip",
    "get_frozen_audioclip",
    "graph_audioclip",
    "random_audioclip",
    "read_logit_scales",
]
