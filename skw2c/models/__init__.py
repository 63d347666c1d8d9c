"""Networks in pure torch. They know tensors and arrays, neither files of sound nor X."""

from ._cache import get_frozen_clip, get_frozen_wav2clip
from ._clip import FrozenCLIP
from ._contract import FrozenEncoder
from ._framing import Framing
from ._frozen import FrozenWav2CLIP
from ._spectrogram import SHORTEST
from ._wav2clip import Wav2CLIP, random_wav2clip

__all__ = [
    "SHORTEST",
    "Framing",
    "FrozenCLIP",
    "FrozenEncoder",
    "FrozenWav2CLIP",
    "Wav2CLIP",
    "get_frozen_clip",
    "get_frozen_wav2clip",
    "random_wav2clip",
]
