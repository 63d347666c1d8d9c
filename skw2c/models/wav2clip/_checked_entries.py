"""The entries of a checkpoint of Wav2CLIP as arrays, each of which must be there and fit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...exceptions import WeightsError
from ._configuration import PREFIXES, is_optional

_WINDOW = "audio_encoder.spectrogram.window"
_NORM = 1e-5
"""What batch normalisation adds to a variance, in all networks here."""


class CheckedEntries:
    """Take the entries that a network consists of.

    Parameters
    ----------
    state : mapping of str to ndarray
        Entries of the checkpoint; those with other prefixes than Wav2CLIP's are passed over.
    source : str
        Its name, for errors.
    """

    def __init__(self, state: Mapping[str, np.ndarray], source: str):
        self._left = {
            name: values
            for name, values in state.items()
            if name.startswith(PREFIXES) and not is_optional(name)
        }
        if _WINDOW in state:
            self._left[_WINDOW] = state[_WINDOW]
        self._source = source

    def take(self, name: str, *shape: int) -> np.ndarray:
        """Take an entry, in double precision.

        Raises
        ------
        WeightsError
            If it is missing, of another shape, or not finite.
        """
        values = self._left.pop(name, None)
        if values is None:
            raise WeightsError(f"{self._source} does not fit Wav2CLIP. Missing: {name}.")
        if values.shape != shape:
            raise WeightsError(
                f"{self._source} does not fit Wav2CLIP: {name!r} has shape {values.shape}, "
                f"expected {shape}."
            )
        exact = values.astype(np.float64)
        if not np.isfinite(exact).all():
            raise WeightsError(f"{self._source} has numbers in {name!r} that are not finite.")
        return exact

    def take_window(self, length: int) -> np.ndarray:
        """Take the window of the spectrogram, which is Hann's where there is none."""
        if _WINDOW in self._left:
            return self.take(_WINDOW, length)
        return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)

    def take_convolution(
        self, convolution: str, norm: str, *shape: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Take the weight of a convolution, and fold the batch normalisation after it into it.

        Returns
        -------
        weight, bias : ndarray
        """
        weight = self.take(f"{convolution}.weight", *shape)
        gain, offset, mean, variance = (
            self.take(f"{norm}.{name}", shape[0])
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        gain = gain / np.sqrt(variance + _NORM)
        return weight * gain[:, None, None, None], offset - mean * gain

    def check_that_all_are_taken(self) -> None:
        """Refuse entries that nothing knows.

        Raises
        ------
        WeightsError
        """
        if self._left:
            raise WeightsError(
                f"{self._source} does not fit Wav2CLIP. Unexpected: {', '.join(self._left)}."
            )
