"""Networks in pure torch. They know tensors and arrays, neither files of sound nor X."""

from ._cache import choose_device
from ._caption_decoder import (
    END,
    PAD,
    START,
    UNKNOWN,
    CaptionDecoder,
    get_caption_decoder,
    pad_frames,
)
from ._caption_search import search_captions
from ._classification import Classification
from ._clip import FrozenCLIP
from ._contract import FrozenEncoder
from ._distillation import LOSSES, Distillation, build_student
from ._framing import Framing
from ._frozen import FrozenWav2CLIP
from ._frozen_module import restore_projection
from ._get_frozen import get_frozen_clip, get_frozen_wav2clip
from ._spectrogram import SHORTEST
from ._wav2clip import Wav2CLIP, random_wav2clip

__all__ = [
    "END",
    "LOSSES",
    "PAD",
    "SHORTEST",
    "START",
    "UNKNOWN",
    "CaptionDecoder",
    "Classification",
    "Distillation",
    "Framing",
    "FrozenCLIP",
    "FrozenEncoder",
    "FrozenWav2CLIP",
    "Wav2CLIP",
    "build_student",
    "choose_device",
    "get_caption_decoder",
    "get_frozen_clip",
    "get_frozen_wav2clip",
    "pad_frames",
    "random_wav2clip",
    "restore_projection",
    "search_captions",
]
