"""Networks in pure torch. They know tensors and arrays, neither files of sound nor X."""

from ._cache import choose_device
from ._classification import Classification
from ._contract import FrozenEncoder
from ._distillation import LOSSES, Distillation, build_student
from ._framing import Framing
from ._get_frozen import get_frozen_clip, get_frozen_wav2clip
from .captioner._beam_search import search_captions
from .captioner._decoder import (
    END,
    PAD,
    START,
    UNKNOWN,
    CaptionDecoder,
    get_caption_decoder,
    pad_frames,
)
from .clip._frozen_clip import FrozenCLIP
from .wav2clip._frozen_module import restore_projection
from .wav2clip._frozen_wav2clip import FrozenWav2CLIP
from .wav2clip._network import Wav2CLIP, random_wav2clip
from .wav2clip._spectrogram import SHORTEST

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
