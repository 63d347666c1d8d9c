"""One clip: where its samples come from, read whole or in blocks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from ..exceptions import AudioError, OptionalDependencyError
from ..system._checksum import sha256_of_open
from ._decode import check_duration, check_is_file, open_audio
from ._levels import Levels
from ._prepare import scale_pcm, to_waveform

# Samples: a long array is converted block by block, never copied whole.
_ARRAY_BLOCK = 1 << 18


@contextmanager
def as_audio_error() -> Iterator[None]:
    """Whatever a decoder trips over in one clip is an error of that clip."""
    try:
        yield
    except (AudioError, OptionalDependencyError):
        raise
    except MemoryError as exc:
        raise AudioError("there is not enough memory to read it") from exc
    except Exception as exc:
        raise AudioError(f"it cannot be read ({type(exc).__name__}: {exc})") from exc


class SoundClip:
    """Base of all kinds of clips.

    Attributes
    ----------
    name : str or None
        The file that it is, or comes from.
    levels : Levels
        Those of the samples, as it was read last.
    """

    name: str | None = None

    def __init__(self):
        self.levels = Levels()

    def digest(self) -> str:
        """What is the same for the same content, and for no other."""
        raise NotImplementedError

    def sampling_rate(self) -> int:
        """Its own rate in Hz."""
        raise NotImplementedError

    def blocks(self, sampling_rate: int | None) -> Generator[np.ndarray]:
        """Yield mono float32 blocks at ``sampling_rate`` (Hz; None: its own)."""
        raise NotImplementedError

    def _to_waveform(
        self, blocks: Iterable[np.ndarray], rate: int, target_rate: int | None
    ) -> Iterator[np.ndarray]:
        """Mix blocks of shape (samples, channels) or (samples,), and resample them."""
        self.levels = Levels()
        return to_waveform(blocks, rate, target_rate or rate, self.levels)


class FileClip(SoundClip):
    """The sound of a file.

    Parameters
    ----------
    path : str or os.PathLike
        Sound or media file.
    """

    def __init__(self, path: str | os.PathLike):
        super().__init__()
        self.name: str = os.fsdecode(path)

    def digest(self) -> str:
        """SHA-256 of the file's bytes, and the extension, which may choose the decoder."""
        with as_audio_error():
            check_is_file(self.name)
            with open(self.name, "rb", buffering=0) as file:
                return sha256_of_open(file) + os.path.splitext(self.name)[1].lower()

    def blocks(self, sampling_rate: int | None) -> Generator[np.ndarray]:
        """Yield mono float32 blocks at ``sampling_rate`` (Hz; None: the file's own)."""
        with as_audio_error(), open_audio(self.name) as file:
            size = os.path.getsize(self.name)
            blocks = check_duration(file.blocks(), file.sampling_rate, size)
            yield from self._to_waveform(blocks, file.sampling_rate, sampling_rate)

    def sampling_rate(self) -> int:
        """Rate of the file in Hz."""
        with as_audio_error(), open_audio(self.name) as file:
            return file.sampling_rate


class ArrayClip(SoundClip):
    """Samples that are in memory.

    Parameters
    ----------
    samples : ndarray of shape (n_samples,)
        Integer PCM or float samples.
    rate : int
        Rate of the samples in Hz.
    name : str or None
        The file that they come from.
    """

    def __init__(self, samples: np.ndarray, rate: int, name: str | None = None):
        super().__init__()
        if samples.ndim != 1:
            raise AudioError(
                f"the array has shape {samples.shape}, and a clip has one dimension; scale "
                "integers to floats and mix channels down first, with x.mean(axis=0) for "
                "(channels, samples) or x.mean(axis=1) for (samples, channels)"
            )
        if samples.dtype.kind not in "buif":
            raise AudioError(f"the array has dtype {samples.dtype}, and samples are real numbers")
        self.name = name
        self._samples = samples
        self._rate = rate

    def digest(self) -> str:
        """SHA-256 of the samples, their type and their rate."""
        head = f"{self._samples.dtype.str} {self._rate} ".encode()
        return hashlib.sha256(head + self._samples.tobytes()).hexdigest()

    def blocks(self, sampling_rate: int | None) -> Generator[np.ndarray]:
        """Yield mono float32 blocks at ``sampling_rate`` (Hz; None: unchanged)."""
        parts = (
            scale_pcm(self._samples[start : start + _ARRAY_BLOCK])
            for start in range(0, len(self._samples), _ARRAY_BLOCK)
        )
        yield from self._to_waveform(parts, self._rate, sampling_rate)

    def sampling_rate(self) -> int:
        """Rate of the samples in Hz."""
        return self._rate


def read_whole(clip: SoundClip, sampling_rate: int, *, copy: bool = True) -> np.ndarray:
    """Read a clip, however long it is.

    Under ``copy=False`` it can be the very samples of an array that need no change.

    Raises
    ------
    AudioError
        If the clip cannot be decoded, has no samples, or does not fit in memory.
    """
    with as_audio_error():
        return _join(list(clip.blocks(sampling_rate)), copy=copy)


def read_up_to(clip: SoundClip, sampling_rate: int, limit: float) -> np.ndarray | None:
    """Read a clip whole, or return None as soon as it proves longer than ``limit`` samples.

    Raises
    ------
    AudioError
        If the clip cannot be decoded, has no samples, or does not fit in memory.
    """
    blocks, n_samples = [], 0
    with as_audio_error():
        for block in clip.blocks(sampling_rate):
            blocks.append(block)
            n_samples += len(block)
            if n_samples > limit:
                return None
        return _join(blocks, copy=True)


def _join(blocks: list[np.ndarray], *, copy: bool) -> np.ndarray:
    if not any(map(len, blocks)):
        raise AudioError("it has no samples")
    return np.concatenate(blocks) if copy or len(blocks) > 1 else blocks[0]
