"""Sampling rates that can be meant, and those that cannot."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np

from ..exceptions import AudioError

HIGHEST_RATE = 10_000_000
"""In Hz. Converters for ultrasound stay below, and so does DSD, at 5.6 MHz."""

LOWEST_RATE_OF_FILES = 500
"""In Hz. The slowest recorders of sound, below water, write some 1000 samples per second. A
single byte of a header that is damaged makes 68 Hz of 44,100: a minute becomes ten hours."""

_LARGEST_RATIO = 200_000
"""From one sample per second to 192 kHz; beyond, soxr needs gigabytes for its filters."""


def check_rate(name: str, value) -> int:
    """A parameter that is a rate, as an int.

    Raises
    ------
    ValueError
        If it is not a whole number from 1 to `HIGHEST_RATE`.
    """
    rate = _as_rate(value)
    if rate is None:
        raise ValueError(
            f"{name}={value!r} must be a rate in Hz: at least 1, at most {HIGHEST_RATE:,}, and a "
            "whole number"
        )
    return rate


def rate_of_item(value) -> int:
    """The rate that comes with the samples of one clip, as an int."""
    rate = _as_rate(value)
    if rate is None:
        raise AudioError(
            f"its sampling rate is {value!r}, which must be a whole number of Hz from 1 to "
            f"{HIGHEST_RATE:,}"
        )
    return rate


def check_rate_of_file(value) -> None:
    """Refuse a file whose header states a rate at which nobody records sound."""
    rate = _as_rate(value)
    if rate is None or rate < LOWEST_RATE_OF_FILES:
        raise AudioError(
            f"its header states a sampling rate of {value} Hz, and files are read from "
            f"{LOWEST_RATE_OF_FILES} Hz to {HIGHEST_RATE:,} Hz: the header is damaged, or this is "
            "not sound. If the rate is right, read the samples yourself and pass (samples, rate)"
        )


def check_ratio(rate: int, target_rate: int) -> None:
    """Refuse to make more samples of one than anybody can mean."""
    if target_rate > rate * _LARGEST_RATIO:
        raise AudioError(
            f"its sampling rate is {rate} Hz, which is too low to be resampled to {target_rate:,} "
            f"Hz: {_LARGEST_RATIO:,} times as much is the most"
        )


def _as_rate(value) -> int | None:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.floating):  # the highest rate is infinite in half precision
        value = float(value)
    is_number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    if not is_number or not math.isfinite(value) or value != int(value):
        return None
    return int(value) if 1 <= value <= HIGHEST_RATE else None
