"""Decode wav, flac, ogg, mp3 and their kin with libsndfile."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ..exceptions import AudioError

BLOCK_SECONDS = 10
# Programs that write to a pipe cannot know the length and put these sizes or larger.
_STREAMED_SIZE = 0x7FFFF000
_SIZE_IN_LOG = re.compile(r"^\s*data\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)


class UnknownFormatError(Exception):
    """libsndfile does not know the format; another decoder may."""


class SoundFile:
    """One sound file, open for reading in blocks.

    Attributes
    ----------
    sampling_rate : int
        Rate of the file in Hz.
    """

    def __init__(self, path: str):
        import soundfile

        try:
            self._file = soundfile.SoundFile(path)
        except soundfile.LibsndfileError as exc:
            # libsndfile reports a file that may not be read as one of unknown format.
            with open(path, "rb"):
                raise UnknownFormatError(exc.error_string.rstrip(".")) from exc
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

        self._check_size_of_data()
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
        if n_read < expected:
            self._raise_truncated(expected, n_read)

    def _check_size_of_data(self) -> None:
        # libsndfile shortens a wav file silently; only its log tells.
        found = _SIZE_IN_LOG.search(self._file.extra_info)
        if found is None:
            return
        stated, actual = (int(size) for size in found.groups())
        if actual < stated < _STREAMED_SIZE:
            self._raise_truncated(round(self._file.frames * stated / max(actual, 1)))

    def _raise_truncated(self, expected: int, n_read: int | None = None) -> None:
        n_read = self._file.frames if n_read is None else n_read
        raise AudioError(
            f"the file is truncated: its header states {expected / self.sampling_rate:.2f} "
            f"seconds, {n_read / self.sampling_rate:.2f} are there"
        )
