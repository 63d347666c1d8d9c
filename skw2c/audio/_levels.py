"""The levels of a clip, noted while it is read: how far samples go, and what the mix loses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..system._warning import warn_caller

_FAR = 10.0
"""Samples in [-1, 1] go a little beyond it where they were amplified, not so far."""

_AUDIBLE = 1e-4
"""Channels as quiet as this, 80 dB below the loudest, are taken for silence."""

_LOST = 0.01
"""Share of the channels' energy that is left where they cancel out: 20 dB less. Of N channels
that have nothing in common the mean keeps 1 / N, of equal ones all."""


@dataclass
class Levels:
    """Levels of one clip, before and after its channels are mixed.

    Attributes
    ----------
    peak : float
        Largest absolute value of the mono samples, before they are resampled.
    n_samples : int
        Samples that were mixed from several channels.
    channels : float
        Sum of the squares of these channels, divided by their number.
    mixed : float
        Sum of the squares of their mean.
    """

    peak: float = 0.0
    n_samples: int = 0
    channels: float = 0.0
    mixed: float = 0.0

    @property
    def is_far_beyond(self) -> bool:
        """Whether samples are far outside [-1, 1]."""
        return self.peak > _FAR

    @property
    def cancels_out(self) -> bool:
        """Whether the channels are audible, and their mean is next to nothing."""
        audible = self.channels > _AUDIBLE**2 * self.n_samples
        return audible and self.mixed < _LOST * self.channels

    def compare(self, block: np.ndarray, mono: np.ndarray) -> None:
        """Note what is left of a block of shape (samples, channels) in its mean."""
        with np.errstate(over="ignore", invalid="ignore"):
            self.channels += float(np.einsum("ij,ij", block, block)) / block.shape[1]
            self.mixed += float(np.einsum("i,i", mono, mono))
        self.n_samples += len(block)

    def to_array(self) -> np.ndarray | None:
        """What there is to warn of, as an array to be kept; None where there is nothing."""
        if not (self.is_far_beyond or self.cancels_out):
            return None
        return np.array([[self.peak, self.n_samples, self.channels, self.mixed]], np.float32)

    @classmethod
    def from_array(cls, array: np.ndarray) -> Levels:
        """The opposite of `to_array`."""
        peak, n_samples, channels, mixed = map(float, array[0])
        return cls(peak, int(n_samples), channels, mixed)


def warn_of_scale(rows: dict[int, tuple[str | None, Levels]]) -> None:
    """Warn of samples that look like integers which nobody scaled.

    Parameters
    ----------
    rows : dict of int to (file or None, Levels)

    Warns
    -----
    UserWarning
        Once, naming the rows and files.
    """
    loud = {
        row: f"{_name(row, file)} (up to {levels.peak:.6g})"
        for row, (file, levels) in rows.items()
        if levels.is_far_beyond
    }
    if loud:
        warn_caller(
            f"Float samples of {_list(loud)} go far beyond [-1, 1], which they are expected to be "
            "in, and the result depends on it. If they are 16-bit samples, pass them as integers "
            "(x.astype('int16')), or divide them by 32768; 64-bit integers count as floats."
        )


def warn_of_cancellation(
    rows: Mapping[int, tuple[str | None, Levels]] | Mapping[None, tuple[str | None, Levels]],
) -> None:
    """Warn of clips whose channels cancel each other out in the mix.

    Parameters
    ----------
    rows : dict of int to (file or None, Levels)
        The row is None where there is only one clip.

    Warns
    -----
    UserWarning
        Once, naming the rows and files.
    """
    lost = {row: _name(row, file) for row, (file, levels) in rows.items() if levels.cancels_out}
    if lost:
        warn_caller(
            f"The channels of {_list(lost)} cancel each other out, and next to nothing is left of "
            "them in the mono mix: they are out of phase. Take one of the channels, "
            "or turn one of them over."
        )


def _list(named: Mapping[Any, str]) -> str:
    shown = [name for _, name in sorted(named.items())[:3]]
    more = f" and {len(named) - len(shown)} more" if len(named) > len(shown) else ""
    return ", ".join(shown) + more


def _name(row: int | None, file: str | None) -> str:
    if row is None:
        return "the clip" if file is None else repr(file)
    return f"row {row}" if file is None else f"row {row} ({file!r})"
