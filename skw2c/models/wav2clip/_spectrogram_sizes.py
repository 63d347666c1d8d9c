"""Of what the spectrogram of Wav2CLIP is made, whatever computes it."""

RATE = 16000
N_FFT = 512
HOP_LENGTH = 353
SHORTEST = N_FFT // 2 + 1
"""Fewest samples that the reflecting border of the spectrogram can be made of."""

LOG_OFFSET = 1e-7
# The original adds 1e-9 to the deviation, which turns the rounding errors of a silent
# clip into an input of several thousand.
SMALLEST_DEVIATION = 1e-5
