"""Decode the sound of m4a, aac, mp4, mkv and other containers with PyAV."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._container import open_container
from .._optional import import_optional
from ..exceptions import AudioError


class MediaFile:
    """The first sound track of a media file, open for reading in blocks.

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
        to_float = self._av.AudioResampler(format="fltp")
        n_read = 0
        try:
            for frame in self._container.decode(self._track):
                for converted in to_float.resample(frame):
                    block = converted.to_ndarray().T
                    n_read += len(block)
                    yield block
            for converted in to_float.resample(None):
                yield converted.to_ndarray().T
        except self._av.error.FFmpegError as exc:
            raise AudioError(
                "the file is damaged or truncated "
                f"{n_read / self.sampling_rate:.2f} seconds from its start ({exc.strerror})"
            ) from exc
