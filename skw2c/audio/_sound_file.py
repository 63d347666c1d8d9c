"""Decode wav, flac, ogg, mp3 and their kin with libsndfile."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import numpy as np

from ..exceptions import AudioError
from ._headers import mp3_states_its_length, ogg_is_complete

BLOCK_SECONDS = 10
# Programs that write to a pipe cannot know the length and put these sizes or larger.
_STREAMED_SIZE = 0x7FFFF000
# Sizes as the log of libsndfile gives them: wav, aiff, au, rf64, w64.
_SIZE_IN_LOG = re.compile(
    r"^\s*(?:data|SSND|Data Size|Riff size|riff)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
# Some programs count header bytes as sound, and codecs round to whole frames.
_LENGTH_TOLERANCE = 0.1


class UnknownFormatError(Exception):
    """libsndfile does not know the format, or not enough of it; another decoder may."""


class SoundFile:
    """One sound file, open for reading in blocks.

    Parameters
    ----------
    path : str
        The file.

    Attributes
    ----------
    sampling_rate : int
        Rate of the file in Hz.

    Raises
    ------
    UnknownFormatError
        If libsndfile cannot open the file, or could only guess its length.
    OSError
        If the file may not be read.
    """

    def __init__(self, path: str):
        import soundfile

        self._path = path
        try:
            # As bytes, because soundfile refuses names that are not valid unicode.
            self._file = soundfile.SoundFile(path if os.name == "nt" else os.fsencode(path))
        except (soundfile.LibsndfileError, TypeError) as exc:
            # libsndfile reports a file that may not be read as one of unknown format.
            with open(path, "rb"):
                cause = getattr(exc, "error_string", str(exc)).rstrip(".")
                raise UnknownFormatError(cause) from exc
        if self._file.format == "MP3" and not mp3_states_its_length(path):
            self._file.close()
            raise UnknownFormatError("an MP3 file that does not state its length")
        self.sampling_rate = self._file.samplerate

    def __enter__(self) -> SoundFile:
        return self

    def __exit__(self, *exc_info) -> None:
        self._file.close()

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield float32 blocks of shape (samples, channels); integer PCM is in [-1, 1).

        Raises
        ------
        AudioError
            If the file ends before the length that its header states.
        """
        import soundfile

        self._check_is_complete()
        expected, n_read = self._file.frames, 0
        while True:
            try:
                block = self._file.read(
                    BLOCK_SECONDS * self.sampling_rate, dtype="float32", always_2d=True
                )
            except soundfile.LibsndfileError as exc:
                raise AudioError(
                    f"the file is damaged or truncated {n_read / self.sampling_rate:.2f} "
                    f"seconds from its start or later ({exc.error_string.rstrip('.')})"
                ) from exc
            if not len(block):
                break
            n_read += len(block)
            yield block
        self._check_length(expected / self.sampling_rate, n_read / self.sampling_rate)

    def _check_is_complete(self) -> None:
        if self._file.format == "OGG" and not ogg_is_complete(self._path):
            raise AudioError(
                "the file is truncated: its last page is not marked as the end. If all of "
                "the sound is there, write it anew: ffmpeg -i FILE -c copy NEW"
            )
        # libsndfile shortens a wav file silently; only its log tells.
        for sizes in _SIZE_IN_LOG.findall(self._file.extra_info):
            stated, actual = map(int, sizes)
            seconds = self._file.frames / self.sampling_rate
            if stated < _STREAMED_SIZE:
                self._check_length(seconds * stated / max(actual, 1), seconds)

    def _check_length(self, stated: float, read: float) -> None:
        if read < stated - _LENGTH_TOLERANCE:
            raise AudioError(
                f"the file is truncated: its header states {stated:.2f} seconds, {read:.2f} "
                "are there"
            )
