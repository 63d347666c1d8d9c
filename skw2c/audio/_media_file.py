"""Decode the sound of m4a, aac, mp4, mkv and other containers with PyAV."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._container import choose_pictures, open_container, start_of_file
from .._optional import import_optional
from ..exceptions import AudioError

_BLOCK_SECONDS = 10


class MediaFile:
    """The first sound track of a media file, open for reading in blocks.

    Time starts with the file, as it does for the pictures of a video: a track that begins
    later than the pictures begins with silence.

    Attributes
    ----------
    sampling_rate : int
        Rate of the track in Hz.
    """

    def __init__(self, path: str):
        self._av = import_optional("av", extra="media", purpose=f"Reading the sound of {path!r}")
        try:
            self._container = open_container(path, self._av, AudioError)
        except self._av.error.FFmpegError as exc:
            raise AudioError(
                f"the file is no sound or media file, or is damaged ({exc.strerror})"
            ) from exc
        if not self._container.streams.audio:
            self._container.close()
            raise AudioError("the file has no sound track")
        self._track = self._container.streams.audio[0]
        self.sampling_rate = self._track.rate

    def __enter__(self) -> MediaFile:
        return self

    def __exit__(self, *exc_info) -> None:
        self._container.close()

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield float32 blocks of shape (samples, channels); integer PCM is in [-1, 1).

        Raises
        ------
        AudioError
            If the file is damaged, or ends within a packet.
        """
        n_read = 0
        try:
            for block in self._decode():
                n_read += len(block)
                yield block
        except self._av.error.FFmpegError as exc:
            raise AudioError(
                "the file is damaged or truncated "
                f"{n_read / self.sampling_rate:.2f} seconds from its start ({exc.strerror})"
            ) from exc

    def _decode(self) -> Iterator[np.ndarray]:
        to_float = self._av.AudioResampler(format="fltp")
        for number, packet in enumerate(self._container.demux(self._track)):
            if number == 0:
                yield from self._silence_before(packet)
            for frame in packet.decode():
                for converted in to_float.resample(frame):
                    yield converted.to_ndarray().T
        for converted in to_float.resample(None):
            yield converted.to_ndarray().T

    def _silence_before(self, packet) -> Iterator[np.ndarray]:
        """Yield blocks of zeros for the time from the start of the file to the first packet.

        What a track states of its own start is a guess where the sound begins far behind the
        first pictures. What an encoder puts before time zero is not counted.
        """
        pictures = choose_pictures(self._container, self._av)
        if pictures is None or packet.pts is None:
            return
        late = packet.pts * packet.time_base - start_of_file(self._container, pictures)
        n_samples, at_once = round(late * self.sampling_rate), _BLOCK_SECONDS * self.sampling_rate
        for first in range(0, n_samples, at_once):
            length = min(at_once, n_samples - first)
            yield np.zeros((length, self._track.channels), np.float32)
