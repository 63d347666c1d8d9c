"""One clip: where its samples come from, read whole or in blocks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..exceptions import AudioError, OptionalDependencyError
from ._decode import open_audio
from ._prepare import check_finite, mix_down, resample, scale_pcm

_ARRAY_BLOCK = 1 << 18


@contextmanager
def _as_audio_error() -> Iterator[None]:
    """Whatever a decoder trips over in one clip is an error of that clip."""
    try:
        yield
    except (AudioError, OptionalDependencyError, MemoryError):
        raise
    except Exception as exc:
        raise AudioError(f"it cannot be read ({type(exc).__name__}: {exc})") from exc


class FileClip:
    """The sound of a file.

    Parameters
    ----------
    path : str or os.PathLike
        Sound or media file.
    """

    def __init__(self, path: str | os.PathLike):
        self.name = os.fspath(path)

    def digest(self) -> str:
        """SHA-256 of the file's bytes, and the extension, which may choose the decoder."""
        with _as_audio_error(), open(self.name, "rb") as file:
            extension = os.path.splitext(self.name)[1].lower()
            return hashlib.file_digest(file, "sha256").hexdigest() + extension

    def blocks(self, sampling_rate: int | None) -> Iterator[np.ndarray]:
        """Yield mono float32 blocks at ``sampling_rate`` (Hz; None: the file's own)."""
        with _as_audio_error(), open_audio(self.name) as file:
            mono = check_finite(mix_down(block) for block in file.blocks())
            yield from resample(mono, file.sampling_rate, sampling_rate or file.sampling_rate)

    def sampling_rate(self) -> int:
        """Rate of the file in Hz."""
        with _as_audio_error(), open_audio(self.name) as file:
            return file.sampling_rate


class ArrayClip:
    """Samples that are in memory.

    Parameters
    ----------
    samples : ndarray of shape (n_samples,)
        Integer PCM or float samples.
    rate : int
        Rate of the samples in Hz.
    """

    name = None

    def __init__(self, samples: np.ndarray, rate: int):
        if samples.ndim != 1:
            raise AudioError(
                f"the array has shape {samples.shape}, and a clip has one dimension; scale "
                "integers to floats and mix channels down first, with x.mean(axis=0) for "
                "(channels, samples) or x.mean(axis=1) for (samples, channels)"
            )
        if samples.dtype.kind not in "buif":
            raise AudioError(f"the array has dtype {samples.dtype}, and samples are real numbers")
        self._samples = samples
        self._rate = rate

    def digest(self) -> str:
        """SHA-256 of the samples, their type and their rate."""
        head = f"{self._samples.dtype.str} {self._rate} ".encode()
        return hashlib.sha256(head + self._samples.tobytes()).hexdigest()

    def blocks(self, sampling_rate: int | None) -> Iterator[np.ndarray]:
        """Yield mono float32 blocks at ``sampling_rate`` (Hz; None: unchanged)."""
        parts = (
            scale_pcm(self._samples[start : start + _ARRAY_BLOCK])
            for start in range(0, len(self._samples), _ARRAY_BLOCK)
        )
        yield from resample(check_finite(parts), self._rate, sampling_rate or self._rate)

    def sampling_rate(self) -> int:
        """Rate of the samples in Hz."""
        return self._rate

    def float_peak(self) -> float:
        """Largest absolute value of float samples, 0 for integers, which have their scale."""
        if self._samples.dtype.kind != "f":
            return 0.0
        return max(self._samples.max(initial=0), -self._samples.min(initial=0))


def as_clip(item, rate: int) -> FileClip | ArrayClip:
    """Wrap one item of X: a path, an array or a tensor of samples at ``rate`` Hz.

    Raises
    ------
    AudioError
        If the item is neither.
    """
    if isinstance(item, (str, os.PathLike)):
        return FileClip(item)
    with _as_audio_error():
        if hasattr(item, "detach"):
            return ArrayClip(tensor_to_array(item), rate)
        if hasattr(item, "to_numpy"):
            return ArrayClip(item.to_numpy(), rate)
        if isinstance(item, (np.ndarray, list, tuple)):
            return ArrayClip(np.asarray(item), rate)
    raise AudioError(
        f"it is {item!r} of type {type(item).__name__}; a clip is a path (str or Path) or a "
        "one-dimensional array of samples"
    )


def tensor_to_array(tensor) -> np.ndarray:
    """Copy a torch tensor to numpy, whatever its device and gradient."""
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor.float()
    return tensor.numpy()


def read_up_to(
    clip: FileClip | ArrayClip, sampling_rate: int, limit: float, *, copy: bool = True
) -> np.ndarray | None:
    """Read a clip whole, or return None as soon as it proves longer than ``limit`` samples.

    Under ``copy=False`` it can be the very samples of an array that need no change.

    Raises
    ------
    AudioError
        If the clip cannot be decoded or has no samples.
    """
    blocks, n_samples = [], 0
    for block in clip.blocks(sampling_rate):
        blocks.append(block)
        n_samples += len(block)
        if n_samples > limit:
            return None
    if n_samples == 0:
        raise AudioError("it has no samples")
    return np.concatenate(blocks) if copy or len(blocks) > 1 else blocks[0]


def load_audio(source, *, sampling_rate: int | None = 16000, input_sampling_rate: int = 16000):
    """Load one clip as the estimators of skw2c hear it.

    Decode, average the channels, scale integer PCM by its type and resample with soxr's
    HQ setting; nothing is trimmed or normalised.

    Parameters
    ----------
    source : str, Path, array or tensor of shape (n_samples,)
        A sound or media file, or samples.
    sampling_rate : int or None, default=16000
        Rate of the result in Hz. None keeps the rate of the source.
    input_sampling_rate : int, default=16000
        Rate of ``source`` in Hz where it is an array. Files state their own.

    Returns
    -------
    waveform : ndarray of shape (ceil(n * sampling_rate / source rate),), float32
        Mono samples.
    sampling_rate : int
        Their rate in Hz.

    Raises
    ------
    AudioError
        If the source is missing, damaged, truncated, empty, or has samples that are NaN
        or infinite. The message names it and the cure.
    ValueError
        If a rate is less than 1 Hz.
    OptionalDependencyError
        If the format needs the extra ``media``.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import load_audio
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    >>> waveform, rate = load_audio(tone, input_sampling_rate=44100)
    >>> waveform.shape, waveform.dtype, rate
    ((16000,), dtype('float32'), 16000)
    """
    for name, value in (
        ("sampling_rate", sampling_rate),
        ("input_sampling_rate", input_sampling_rate),
    ):
        if value is not None and value < 1:
            raise ValueError(f"{name}={value!r} Hz must be at least 1")
    clip = as_clip(source, input_sampling_rate)
    try:
        rate = sampling_rate or clip.sampling_rate()
        blocks = [np.zeros(0, np.float32), *clip.blocks(rate)]
    except AudioError as exc:
        where = "" if clip.name is None else f"{clip.name!r}: "
        raise AudioError(f"{where}{exc}") from exc
    waveform = np.concatenate(blocks)
    if not len(waveform):
        raise AudioError(f"{clip.name or 'the array'!r}: it has no samples")
    return waveform, rate
