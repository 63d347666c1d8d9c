"""Wav2CLIP: its spectrogram and residual network, as they are trained and as they run frozen."""

from ...system._lazy_names import import_lazily

_HOMES = {
    "ARCHITECTURES": "_configuration",
    "SHORTEST": "_spectrogram_sizes",
    "AudioEncoder": "_wav2clip_network",
    "FrozenWav2CLIP": "_frozen_wav2clip",
    "Projection": "_wav2clip_network",
    "Wav2CLIP": "_wav2clip_network",
    "build_wav2clip": "_wav2clip_state",
    "make_audio_encoder": "_wav2clip_network",
    "random_wav2clip": "_wav2clip_network",
}

__all__ = [*_HOMES]

__getattr__ = import_lazily(__name__, _HOMES)
