"""Wav2CLIP: its spectrogram and residual network, as they are trained and as they run frozen."""

from ._frozen_wav2clip import FrozenWav2CLIP
from ._log_spectrogram import SHORTEST
from ._wav2clip_network import (
    ARCHITECTURES,
    AudioEncoder,
    Projection,
    Wav2CLIP,
    make_audio_encoder,
    random_wav2clip,
)
from ._wav2clip_state import build_wav2clip

__all__ = [
    "ARCHITECTURES",
    "SHORTEST",
    "AudioEncoder",
    "FrozenWav2CLIP",
    "Projection",
    "Wav2CLIP",
    "build_wav2clip",
    "make_audio_encoder",
    "random_wav2clip",
]
