"""Numbers that parameters can be: rates, and lengths of time."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TypeGuard

import numpy as np
from sklearn.utils._param_validation import Interval

from ..audio import HIGHEST_RATE

LONGEST = 86_400
"""Of a window, or from one to the next, in seconds: a day. Zeros fill a window that is longer
than its clip, so that more than this would fill the memory."""

_MOST_PER_SECOND = 1_000_000


class _Finite(Interval):
    """An interval without True and False, which Python takes for 1 and 0."""

    def is_satisfied_by(self, val):
        return not isinstance(val, (bool, np.bool_)) and super().is_satisfied_by(val)


RATE = _Finite(Integral, 1, HIGHEST_RATE, closed="both")
"""Samples per second."""

SECONDS = _Finite(Real, 0, LONGEST, closed="right")
"""A length of time."""

PER_SECOND = _Finite(Real, 0, _MOST_PER_SECOND, closed="right")
"""Frames or vectors per second."""


def is_real(value: object) -> TypeGuard[float]:
    """Whether a value is a real number, of whatever type: it can be used as a float can."""
    return isinstance(value, Real)
