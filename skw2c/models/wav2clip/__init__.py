"""Wav2CLIP: its spectrogram and residual network, as they are trained and as they run frozen."""
