"""Decode wav, flac, ogg, mp3 and their kin with libsndfile."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import numpy as np

from ..exceptions import AudioError
from ._headers import flac_states_its_length, mp3_states_its_length
from ._parts import STREAMED_SIZE, Part, guess_format, list_flacs_after, list_parts
from ._prepare import mix_down, resample
from ._rate import check_rate_of_file
from ._wholeness import check_reaches_its_end

# Decoded at once: little memory, and few calls.
_BLOCK_SECONDS = 10
# Sizes as the log of libsndfile gives them: wav, aiff, au, rf64, w64.
_SIZE_IN_LOG = re.compile(
    r"^\s*(?:data|SSND|Data Size|Riff size|riff)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
# Formats that libsndfile shortens without a line in its log.
_SHORTENED = frozenset({"CAF", "NIST", "SVX", "VOC", "WVE"})
# Some programs count header bytes as sound, and codecs round to whole frames.
_LENGTH_TOLERANCE = 0.1


_STATES_LENGTH = {"FLAC": flac_states_its_length, "MP3": mp3_states_its_length}


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
        self._descriptor: int | None = None
        try:
            self._file = self._open()
        except (soundfile.LibsndfileError, TypeError) as exc:
            # libsndfile reports a file that may not be read as one of unknown format.
            parts = list_parts(path, guess_format(path))
            if not parts:
                self._close_descriptor()
                cause = getattr(exc, "error_string", str(exc)).rstrip(".")
                raise UnknownFormatError(cause) from exc
            self._file = _open_part(parts[0])
        if self._file.format == "RAW":
            # The extension alone says so: libsndfile found no header.
            self._file.close()
            raise UnknownFormatError("no format that its content shows")
        states_length = _STATES_LENGTH.get(self._file.format)
        if states_length is not None and not states_length(path):
            self.__exit__()
            raise UnknownFormatError(
                f"an {self._file.format} file that does not state its length, or not all of it"
            )
        self.sampling_rate = self._file.samplerate

    def __enter__(self) -> SoundFile:
        return self

    def __exit__(self, *exc_info) -> None:
        self._file.close()
        self._close_descriptor()

    def _open(self):
        import soundfile

        if self._path.lower().endswith(".flac"):
            # A descriptor tells how far libsndfile has read, and so where to look for more.
            self._descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            return soundfile.SoundFile(self._descriptor, closefd=False)
        # As bytes, because soundfile refuses names that are not valid unicode.
        return soundfile.SoundFile(self._path if os.name == "nt" else os.fsencode(self._path))

    def _close_descriptor(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield float32 blocks of shape (samples, channels); integer PCM is in [-1, 1).

        Raises
        ------
        AudioError
            If the file ends before the length that its header states.
        """
        followed = self._descriptor if self._file.format == "FLAC" else None
        parts = list_parts(self._path, self._file.format) if followed is None else []
        if not parts:
            self._check_sizes(self._file)
            if self._file.format in _SHORTENED:
                check_reaches_its_end(self._path)
            yield from self._blocks_of(self._file)
        if followed is not None:
            parts = list_flacs_after(self._path, os.lseek(followed, 0, os.SEEK_CUR))
        for part in parts:
            yield from self._blocks_of_part(part)

    def _blocks_of_part(self, part: Part) -> Iterator[np.ndarray]:
        """Read one of the files that this was joined of, at the rate of the first."""
        with part, _open_part(part) as file:
            self._check_sizes(file)
            blocks = self._blocks_of(file)
            if file.samplerate == self.sampling_rate:
                yield from blocks
            else:
                check_rate_of_file(file.samplerate)
                mono = resample(map(mix_down, blocks), file.samplerate, self.sampling_rate)
                yield from (block[:, None] for block in mono)

    def _blocks_of(self, file) -> Iterator[np.ndarray]:
        import soundfile

        expected, n_read = file.frames, 0
        while True:
            try:
                block = file.read(_BLOCK_SECONDS * file.samplerate, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as exc:
                raise AudioError(
                    f"the file is damaged or truncated {n_read / file.samplerate:.2f} "
                    f"seconds from its start or later ({exc.error_string.rstrip('.')})"
                ) from exc
            if not len(block):
                break
            n_read += len(block)
            yield block
        self._check_length(expected / file.samplerate, n_read / file.samplerate)

    def _check_sizes(self, file) -> None:
        # libsndfile shortens a wav file silently; only its log tells.
        for sizes in _SIZE_IN_LOG.findall(file.extra_info):
            stated, actual = map(int, sizes)
            seconds = file.frames / file.samplerate
            if stated < STREAMED_SIZE:
                self._check_length(seconds * stated / max(actual, 1), seconds)

    def _check_length(self, stated: float, read: float) -> None:
        if read < stated - _LENGTH_TOLERANCE:
            raise AudioError(
                f"the file is truncated: its header states {stated:.2f} seconds, {read:.2f} "
                "are there"
            )


def _open_part(part: Part):
    import soundfile

    try:
        return soundfile.SoundFile(part)
    except soundfile.LibsndfileError as exc:
        raise AudioError(
            f"what begins at byte {part.start} of the file, where another was joined to it or a "
            f"header was never written, cannot be read ({exc.error_string.rstrip('.')})"
        ) from exc
