"""What one item of X can be: a path, samples, samples with their rate, a file in memory."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Mapping
from numbers import Number

import numpy as np

from ..exceptions import AudioError
from ..files import is_remote
from ..system._tensors import is_tensor, tensor_to_array
from ._encoded_sound import DecoderClip, EncodedClip
from ._rate import rate_of_item
from ._remote_clip import RemoteClip
from ._sound_clip import ArrayClip, FileClip, SoundClip, as_audio_error

_LONGEST_NAME = 4096
_DEFINITION = (
    "a clip is a path (str or Path), a one-dimensional array of samples, a pair (samples, rate), "
    "a dict with 'array' and 'sampling_rate', or the bytes of a sound file"
)


def as_clip(item, rate: int) -> SoundClip:
    """Wrap one item of X.

    Parameters
    ----------
    item : object
        A path; an array, tensor or list of samples; one of these with its rate, as a pair or
        as a dict with ``"array"`` and ``"sampling_rate"``; bytes or an open file; a dict with
        ``"bytes"`` or ``"path"``; a decoder as those of torchcodec.
    rate : int
        Rate in Hz of samples that come without one.

    Raises
    ------
    AudioError
        If the item is none of these.
    """
    if isinstance(item, (str, os.PathLike)):
        return _file(item)
    with as_audio_error():
        if hasattr(item, "as_py"):  # a value of pyarrow
            return as_clip(item.as_py(), rate)
        if is_mapping(item) and is_clip(item):
            return _of_mapping(item, rate)
        if (pair := split_pair(item)) is not None:
            return _of_pair(*pair)
        if is_encoded(item):
            return EncodedClip(item)
        if _decodes(item):
            return DecoderClip(item)
        if (samples := _to_array(item)) is not None:
            return ArrayClip(samples, rate)
    raise AudioError(f"it is {reprlib.repr(item)} of type {type(item).__name__}; {_DEFINITION}")


def is_clip(item) -> bool:
    """Whether an item can be nothing but a clip; a list of numbers can be a row of a table."""
    if isinstance(item, (str, os.PathLike)):
        return True
    if is_mapping(item):
        return _has_samples(item) or any(item.get(key) is not None for key in ("bytes", "path"))
    if hasattr(item, "as_py"):
        return is_clip(item.as_py())
    return _holds_samples(item) or is_encoded(item) or _decodes(item) or is_pair(item)


def is_mapping(item) -> bool:
    """Whether an item is a dict; one kind of scipy's sparse matrices is one too."""
    return isinstance(item, Mapping) and not hasattr(item, "shape")


def is_encoded(item) -> bool:
    """Whether an item is the content of a file: bytes, or an open file."""
    return isinstance(item, (bytes, bytearray, memoryview)) or (
        hasattr(item, "read") and hasattr(item, "seek")
    )


def is_pair(item) -> bool:
    """Whether an item is samples with their rate."""
    return split_pair(item) is not None


def split_pair(item) -> tuple | None:
    """Samples and rate, in whichever order they come; None where it is not such a pair."""
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        return None
    for samples, rate in (item, item[::-1]):
        if isinstance(rate, Number) and (_holds_samples(samples) or _is_list(samples)):
            return samples, rate
    return None


def _file(path) -> SoundClip:
    path = os.fsdecode(path)
    if len(path) > _LONGEST_NAME:
        raise AudioError(
            f"it is {reprlib.repr(path)}, a string of {len(path):,} characters, which is too long "
            "for the name of a file; the content of a file is passed as bytes"
        )
    return RemoteClip(path) if is_remote(path) else FileClip(path)


def _of_mapping(item: Mapping, rate: int) -> SoundClip:
    """What data sets of Hugging Face hold: samples and rate, or bytes, or a path."""
    path = item.get("path")
    name = os.fsdecode(path) if isinstance(path, (str, os.PathLike)) else None
    if _has_samples(item):
        return _of_pair(item["array"], item["sampling_rate"], name)
    if item.get("bytes") is not None:
        return EncodedClip(item["bytes"], name)
    return as_clip(path, rate)


def _of_pair(samples, rate, name: str | None = None) -> ArrayClip:
    samples = _to_array(samples)
    if samples is None:
        raise AudioError("its samples are not an array of numbers")
    if samples.ndim == 2 and 1 in samples.shape:  # torchaudio's (1, n_samples)
        samples = samples.reshape(-1)
    return ArrayClip(samples, rate_of_item(rate), name)


def _has_samples(item: Mapping) -> bool:
    return item.get("array") is not None and "sampling_rate" in item


def _holds_samples(item) -> bool:
    """Whether an item is an array of one or more dimensions, of whichever package."""
    return getattr(item, "ndim", 0) >= 1 and (
        isinstance(item, np.ndarray) or is_tensor(item) or hasattr(item, "to_numpy")
    )


def _is_list(item) -> bool:
    return isinstance(item, (list, tuple)) and len(item) > 0 and isinstance(item[0], Number)


def _decodes(item) -> bool:
    return hasattr(item, "get_all_samples") or (
        hasattr(item, "sample_rate") and hasattr(item, "data")
    )


def _to_array(item) -> np.ndarray | None:
    if is_tensor(item):
        return tensor_to_array(item)
    if hasattr(item, "to_numpy"):
        return item.to_numpy()
    if isinstance(item, np.ndarray):
        return _unmasked(item)
    if isinstance(item, (list, tuple)):
        return _numbers_of(item)
    return None


def _unmasked(array: np.ndarray) -> np.ndarray:
    if np.ma.is_masked(array):
        raise AudioError(
            f"{np.ma.count_masked(array)} of its {array.size} samples are masked; fill them, for "
            "example with clip.filled(0)"
        )
    return np.asarray(array)


def _numbers_of(items: list | tuple) -> np.ndarray | None:
    try:
        array = np.asarray(items)
    except ValueError:  # rows of several lengths
        return None
    return array if array.dtype.kind in "buif" else None
