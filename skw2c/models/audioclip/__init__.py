"""AudioCLIP: its audio encoder, to be trained and frozen."""

from ._esresnext import ESResNeXtFBSP, random_audioclip
from ._frozen import FrozenAudioCLIP
from ._get_frozen import get_frozen_audioclip
from ._state import build_audioclip, read_logit_scales
from ._text_tuning import TextTuning

__all__ = [
    "ESResNeXtFBSP",
    "FrozenAudioCLIP",
    "TextTuning",
    "build_audioclip",
    "get_frozen_audioclip",
    "random_audioclip",
    "read_logit_scales",
]
