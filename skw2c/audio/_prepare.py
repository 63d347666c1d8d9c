"""Turn decoded blocks into one mono float32 waveform at one rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ..exceptions import AudioError
from ._levels import Levels
from ._rate import check_ratio

_LONGEST_RESAMPLED = 1 << 24
_PCM_TYPES = {np.dtype(name) for name in ("int8", "int16", "int32", "uint8", "uint16", "uint32")}


def scale_pcm(samples: np.ndarray) -> np.ndarray:
    """Convert samples to float32, integer PCM to [-1, 1) by the range of its type.

    8, 16 and 32 bit integers are PCM; where they are unsigned, zero is in the middle of their
    range, 128 in 8 bits, as in wav files. Wider integers, which no recorder writes, and floats
    keep their values.
    """
    if samples.dtype.newbyteorder("=") not in _PCM_TYPES:
        with np.errstate(over="ignore"):  # what becomes infinite is an error of the clip
            return samples.astype(np.float32, copy=False)
    half_range = 2 ** (8 * samples.dtype.itemsize - 1)
    zero = half_range if samples.dtype.kind == "u" else 0
    return ((samples.astype(np.float64) - zero) / half_range).astype(np.float32)


def mix_down(block: np.ndarray) -> np.ndarray:
    """Average the channels of a block of shape (samples, channels)."""
    if block.shape[1] == 1:
        return block[:, 0]
    with np.errstate(over="ignore"):  # what becomes infinite is an error of the clip
        return block.mean(axis=1, dtype=np.float32)


def to_waveform(
    blocks: Iterable[np.ndarray], rate: int, target_rate: int, levels: Levels
) -> Iterator[np.ndarray]:
    """Mix, check and resample the float32 blocks of a clip, and note its levels.

    Parameters
    ----------
    blocks : iterable of ndarray of shape (samples, channels) or (samples,)
    rate, target_rate : int
        In Hz.
    levels : Levels

    Raises
    ------
    AudioError
        At the first sample that is NaN or infinite, before or after resampling.
    """
    checked = _check_finite((_mix(block, levels) for block in blocks), levels)
    if rate == target_rate:
        yield from checked
        return
    for block in resample(checked, rate, target_rate):
        if not np.isfinite(block).all():
            raise AudioError(
                f"its samples go up to {levels.peak:.6g}, and are infinite or NaN after resampling "
                f"from {rate} to {target_rate} Hz: scale them to [-1, 1]"
            )
        yield block


def _mix(block: np.ndarray, levels: Levels) -> np.ndarray:
    if block.ndim == 1:
        return block
    mono = mix_down(block)
    if block.shape[1] > 1:
        levels.compare(block, mono)
    return mono


def _check_finite(blocks: Iterable[np.ndarray], levels: Levels) -> Iterator[np.ndarray]:
    """Pass blocks on, and stop at the first sample that is NaN or infinite."""
    n_seen = 0
    for block in blocks:
        with np.errstate(invalid="ignore"):
            # Neither is finite if one of the samples is NaN.
            peak = max(float(block.max(initial=0)), -float(block.min(initial=0)))
        if not np.isfinite(peak):
            first = int(np.argmin(np.isfinite(block)))
            raise AudioError(
                f"sample {n_seen + first} is {block[first]}; replace such samples, for "
                "example with numpy.nan_to_num, and scale those too large for 32-bit floats"
            )
        levels.peak = max(levels.peak, peak)
        n_seen += len(block)
        yield block


def resample(blocks: Iterable[np.ndarray], rate: int, target_rate: int) -> Iterator[np.ndarray]:
    """Resample mono float32 blocks with soxr's HQ setting.

    All blocks together have ``ceil(n * target_rate / rate)`` samples for the n that came
    in, the length that librosa gives: soxr alone is sometimes one sample short, which
    moves the embedding.
    """
    if rate == target_rate:
        yield from blocks
        return
    check_ratio(rate, target_rate)
    import soxr

    stream = soxr.ResampleStream(rate, target_rate, 1, dtype="float32", quality="HQ")
    # soxr crashes where a block becomes too long, as from a rate of a few Hz.
    step = max(_LONGEST_RESAMPLED * rate // target_rate, 1)
    n_in = n_out = 0
    for block in blocks:
        n_in += len(block)
        for start in range(0, len(block), step):
            out = stream.resample_chunk(np.ascontiguousarray(block[start : start + step]))
            n_out += len(out)
            yield out
    rest = stream.resample_chunk(np.zeros(0, np.float32), last=True)
    yield fix_length(rest, -(-n_in * target_rate // rate) - n_out)


def fix_length(samples: np.ndarray, length: int) -> np.ndarray:
    """Cut or zero-pad ``samples`` at the end to ``length``."""
    return np.pad(samples[: max(length, 0)], (0, max(length - len(samples), 0)))
