"""When the frames of a HEAR module are: evenly spaced, whatever the clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEP_TOLERANCE = 1.0
"""Milliseconds by which times may be off; the steps of a conforming module differ by no more."""

# Of the time: a spacing that is learned from seconds of sound, and times in single precision.
_DRIFT = 1e-5


@dataclass(frozen=True)
class TimeGrid:
    """Centres ``spacing`` milliseconds apart.

    Attributes
    ----------
    first : float
        Centre of the first frame, in milliseconds from the start of the clip.
    spacing : float
        From one centre to the next, in milliseconds.
    """

    first: float
    spacing: float

    @classmethod
    def through(cls, times: np.ndarray) -> TimeGrid:
        """The grid nearest to times (n_frames,), of which there are two or more.

        It is rounded to nanoseconds, so that times in single precision, or their sums, show the
        number that is meant.
        """
        spacing, first = np.polyfit(np.arange(len(times)), times, 1)
        return cls(round(float(first), 6) + 0.0, round(float(spacing), 6))

    def centres(self, n_frames: int) -> np.ndarray:
        """Centres of the first frames (n_frames,), in milliseconds."""
        return self.first + self.spacing * np.arange(n_frames)

    def spans(self, n_frames: int) -> np.ndarray:
        """Start and end of the first frames (n_frames, 2), in seconds.

        HEAR does not tell how long a window is: each frame reaches halfway to its neighbours.
        """
        halves = np.array([-0.5, 0.5]) * self.spacing
        return (self.centres(n_frames)[:, None] + halves) / 1000

    def find_departure(self, times: np.ndarray) -> int | None:
        """The first frame whose time is not that of the grid; None if there is none."""
        expected = self.centres(len(times))
        off = np.abs(times - expected) > STEP_TOLERANCE + _DRIFT * np.abs(expected)
        return int(off.argmax()) if off.any() else None
