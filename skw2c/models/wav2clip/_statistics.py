"""The spectrogram of a clip, standardised, also where it comes in parts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .._arrays import to_double
from ._spectrogram_sizes import SMALLEST_DEVIATION


@dataclass
class Statistics:
    """Mean and deviation of all values of one clip, gathered part by part.

    Sums are kept in double precision, so that the parts in which a long clip comes do
    not show in the result. Parts are tensors or arrays.
    """

    count: int = 0
    total: float = 0.0
    total_of_squares: float = 0.0

    def update(self, values: Any) -> Statistics:
        exact = to_double(values)
        self.count += math.prod(values.shape)
        self.total += float(exact.sum())
        self.total_of_squares += float((exact * exact).sum())
        return self

    def standardise(self, values: Any) -> Any:
        """Subtract the mean and divide by the (unbiased) standard deviation."""
        mean = self.total / self.count
        spread = max(self.total_of_squares - self.count * mean**2, 0.0)
        deviation = (spread / max(self.count - 1, 1)) ** 0.5
        return (values - mean) / max(deviation, SMALLEST_DEVIATION)
