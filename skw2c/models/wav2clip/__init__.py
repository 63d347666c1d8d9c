"""Wav2CLIP: its spectrogram and residual network, as they are trained and as they run frozen."""

from ._frozen_module import restore_projection
from ._frozen_wav2clip import FrozenWav2CLIP, get_frozen_wav2clip
from ._log_spectrogram import SHORTEST
from ._wav2clip_network import ARCHITECTURES, Wav2CLIP, random_wav2clip
from ._wav2clip_state import build_wav2clip

__all__ = [
    "ARCHITECTURES",
    "SHORTEST",
    "FrozenWav2CLIP",
    "Wav2CLIP",
    "build_wav2clip",
    "get_frozen_wav2clip",
    "random_wav2clip",
    "restore_projection",
]
