"""Clips that are a sound file in memory, an open file, or an object that decodes."""

from __future__ import annotations

import hashlib
import io
import os
import reprlib
import shutil
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress

import numpy as np

from ..exceptions import AudioError, OptionalDependencyError
from ..system._regular_file import refuse_device
from ._rate import rate_of_item
from ._sound_clip import FileClip, SoundClip, as_audio_error

# Bytes: a shorter content may have been meant as the name of a file.
_LONGEST_NAME = 255
# An object may stand in two rows, and two threads that move in one file read something else.
_ONE_AT_A_TIME = threading.Lock()


class EncodedClip(SoundClip):
    """The content of a sound or media file, as bytes or as a file that is open.

    The decoders see a file of their own, with the same content and extension, so that the
    samples are those of the file.

    Parameters
    ----------
    content : bytes, bytearray, memoryview or file object
        A file object is open for reading bytes, and can be moved in; it stays where it is.
    name : str or None
        The file that it comes from.
    """

    def __init__(self, content, name: str | None = None):
        super().__init__()
        if isinstance(content, io.TextIOBase):
            raise AudioError("it is a file that is open for text: open it with mode 'rb'")
        if hasattr(content, "fileno"):
            with suppress(OSError):  # a file in memory has no number
                refuse_device(content.fileno(), AudioError)
        own = getattr(content, "name", None)
        self.name = name or (own if isinstance(own, str) else None)
        self._content = content

    def digest(self) -> str:
        """What `FileClip.digest` gives for a file of this content and extension."""
        checksum = hashlib.sha256()
        with as_audio_error(), self._open() as file:
            while part := file.read(1 << 20):
                checksum.update(part)
        return checksum.hexdigest() + self._extension()

    def blocks(self, sampling_rate: int | None) -> Generator[np.ndarray]:
        """Yield mono float32 blocks at ``sampling_rate`` (Hz; None: the file's own)."""
        with self._on_disk() as clip:
            yield from clip.blocks(sampling_rate)
            self.levels = clip.levels

    def sampling_rate(self) -> int:
        """Rate of the file in Hz."""
        with self._on_disk() as clip:
            return clip.sampling_rate()

    def _extension(self) -> str:
        extension = os.path.splitext(self.name or "")[1].lower()
        return extension if extension or not self._is_adts() else ".aac"

    def _is_adts(self) -> bool:
        """Whether this begins as AAC does in a stream; libsndfile takes it for damaged MP3."""
        with self._open() as file:
            start = file.read(2)
        return len(start) == 2 and start[0] == 0xFF and start[1] & 0xF6 == 0xF0

    @contextmanager
    def _open(self) -> Iterator:
        """The content from its start, as a file that nobody else moves in."""
        if not hasattr(self._content, "read"):
            yield io.BytesIO(self._content)
            return
        with _ONE_AT_A_TIME:
            place = self._content.tell()
            self._content.seek(0)
            try:
                yield self._content
            finally:
                self._content.seek(place)

    @contextmanager
    def _on_disk(self) -> Iterator[FileClip]:
        """The content as a file, which is removed at the end."""
        with as_audio_error(), tempfile.TemporaryDirectory(prefix="skw2c-") as folder:
            path = os.path.join(folder, f"clip{self._extension()}")
            with self._open() as file, open(path, "wb") as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
            try:
                yield FileClip(path)
            except (AudioError, OptionalDependencyError) as exc:
                message = str(exc).replace(repr(path), repr(self.name or "bytes"))
                raise type(exc)(f"{message}{self._hint()}") from exc

    def _hint(self) -> str:
        if not isinstance(self._content, bytes) or len(self._content) > _LONGEST_NAME:
            return ""
        return (
            f"; it is {reprlib.repr(self._content)} of type bytes, which are taken for the content "
            "of a file, not for its name"
        )


class DecoderClip(SoundClip):
    """What an object decodes, as those of torchcodec do.

    Parameters
    ----------
    source : object
        Has a method ``get_all_samples()``, which gives ``data`` of shape (channels, samples)
        and ``sample_rate`` in Hz; or has these two itself.
    """

    def __init__(self, source):
        super().__init__()
        self._source = source

    def digest(self) -> str:
        """SHA-256 of the decoded samples, their shape and their rate."""
        samples, rate = self._decode()
        head = f"{samples.shape} {samples.dtype.str} {rate} ".encode()
        return hashlib.sha256(head + samples.tobytes()).hexdigest()

    def blocks(self, sampling_rate: int | None) -> Generator[np.ndarray]:
        """Yield mono float32 blocks at ``sampling_rate`` (Hz; None: its own)."""
        samples, rate = self._decode()
        yield from self._to_waveform([samples], rate, sampling_rate)

    def sampling_rate(self) -> int:
        """Rate of the samples in Hz."""
        return self._decode()[1]

    def _decode(self) -> tuple[np.ndarray, int]:
        """Samples of shape (samples, channels), float32, and their rate."""
        with as_audio_error():
            decoded = self._source
            if hasattr(decoded, "get_all_samples"):
                with _ONE_AT_A_TIME:
                    decoded = decoded.get_all_samples()
            data = decoded.data
            samples = np.asarray(data.detach().cpu() if hasattr(data, "detach") else data)
            if samples.ndim != 2 or samples.dtype.kind != "f":
                raise AudioError(
                    f"what it decodes has shape {samples.shape} and dtype {samples.dtype}, "
                    "expected floats of shape (channels, samples)"
                )
            samples = np.ascontiguousarray(samples.T, dtype=np.float32)
            return samples, rate_of_item(decoded.sample_rate)
