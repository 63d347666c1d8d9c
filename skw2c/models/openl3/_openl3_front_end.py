"""From windows of one second to spectrograms in decibels, in each of OpenL3's ways."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from .._mel_filters import mel_filters

SAMPLING_RATE = 48000
HOP_LENGTH = 242
_MEL_N_FFT = 2048
_LINEAR_N_FFT = 512
_FLOOR = 1e-10
_RANGE = 80.0
# 199 columns need so many samples more than one second has.
_SAME = 198 * HOP_LENGTH + _MEL_N_FFT - SAMPLING_RATE


@dataclass(frozen=True)
class _MelVariant:
    """How a release of OpenL3 computes its mel spectrograms.

    Attributes
    ----------
    scale : {"htk", "slaney"}
        Mel scale of the filters.
    of_power : bool
        Whether the filters sum up power, and the root of the sum is taken; or magnitudes.
    padding : tuple of int
        Samples before and after the window.
    padding_mode : {"constant", "reflect"}
        What they are: zeros, or the window mirrored.
    """

    scale: str
    of_power: bool
    padding: tuple[int, int]
    padding_mode: str = "constant"


_VARIANTS = {
    "kapre-0.1": _MelVariant("htk", True, (_SAME // 2, _SAME // 2)),
    "kapre-0.3": _MelVariant("slaney", False, (0, _SAME)),
    "librosa": _MelVariant("slaney", False, (_MEL_N_FFT // 2, _MEL_N_FFT // 2), "reflect"),
}
_MELS = {"mel128": 128, "mel256": 256}

FRONTENDS = tuple(_VARIANTS)
INPUT_REPRS = ("linear", *_MELS)


class FrontEnd:
    """Spectrograms of windows, in decibels below the loudest value of each window.

    OpenL3 takes 10 log10 of magnitudes, where 20 would give decibels. Its networks have
    learned that, so it stays. The range of 80 is then one of 160 decibels, which single
    precision does not resolve: the transform runs in double precision where there is any.

    Parameters
    ----------
    input_repr : {"linear", "mel128", "mel256"}
        Frequencies of the rows.
    frontend : {"kapre-0.1", "kapre-0.3", "librosa"}
        Which release computed them. Linear ones are the same in all.
    device : torch.device
        Where it runs.
    """

    def __init__(self, input_repr: str, frontend: str, device: torch.device):
        self._dtype = torch.float32 if device.type == "mps" else torch.float64
        self._mel = _VARIANTS[frontend] if input_repr in _MELS else None
        n_fft = _LINEAR_N_FFT if self._mel is None else _MEL_N_FFT
        self._window = torch.hann_window(n_fft, dtype=torch.float64).to(device, self._dtype)
        if self._mel is not None:
            filters = mel_filters(_MELS[input_repr], n_fft, SAMPLING_RATE, self._mel.scale)
            self._filters = filters.T.contiguous().to(device, self._dtype)

    def __call__(self, windows: Tensor) -> Tensor:
        """Turn (n_windows, 48000) into (n_windows, rows, columns), float32 from -80 to 0.

        Row 0 is the lowest frequency. There are 257 rows and 197 columns of linear
        frequencies, or 128 or 256 rows and 199 columns of mel bands.
        """
        amplitudes = self._amplitudes(windows.to(self._dtype)).transpose(1, 2)
        decibels = 10 * amplitudes.clamp_min_(_FLOOR).log10_()
        decibels -= decibels.amax((1, 2), keepdim=True)
        return decibels.clamp_min_(-_RANGE).float().contiguous()

    def _amplitudes(self, windows: Tensor) -> Tensor:
        if self._mel is None:
            return self._power(windows).sqrt_()
        power = self._power(pad(windows, self._mel.padding, self._mel.padding_mode))
        if self._mel.of_power:
            return (power @ self._filters).sqrt_()
        return power.sqrt_() @ self._filters

    def _power(self, waveforms: Tensor) -> Tensor:
        """Power spectra (n_windows, columns, bins) of all complete frames."""
        frames = waveforms.unfold(-1, len(self._window), HOP_LENGTH)
        spectra = torch.fft.rfft(frames * self._window)
        # Nine times as quick as the square of abs(), which guards against overflow.
        return spectra.real.square().addcmul_(spectra.imag, spectra.imag)
