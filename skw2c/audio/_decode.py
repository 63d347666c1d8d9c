"""Open any sound or media file for reading in blocks."""

from __future__ import annotations

import errno
import importlib.util
import os
import stat
from collections.abc import Iterable, Iterator

import numpy as np

from ..exceptions import AudioError
from ..system._extensions import MEDIA_EXTENSIONS
from ..system._regular_file import refuse_mode
from ._media_file import MediaFile
from ._proof import check_is_told_by_content
from ._rate import check_rate_of_file
from ._sound_file import SoundFile, UnknownFormatError

_MOST_SAMPLES_PER_BYTE = 5000
_MOST_SECONDS_PER_BYTE = 1
_SECONDS_OF_ANY_FILE = 7200
"""What silence can be packed into, with some way to go: frames of FLAC hold 65,535 samples in 14
bytes, at 8 kHz 0.6 seconds in each. A track may begin an hour late, or pause as long."""

_CAUSES = {
    errno.ELOOP: "it is a link that leads in a circle",
    errno.ENAMETOOLONG: "its name is longer than the name of a file can be",
}


def open_audio(path: str) -> SoundFile | MediaFile:
    """Open ``path`` with soundfile, or with PyAV where the format asks for it.

    Parameters
    ----------
    path : str
        File to open.

    Returns
    -------
    SoundFile or MediaFile
        Context manager with ``sampling_rate`` (Hz) and ``blocks()``.

    Raises
    ------
    AudioError
        If the file does not exist, no decoder knows its content, or nobody records at its rate.
    OSError
        If the file may not be read.
    OptionalDependencyError
        If only PyAV can read the file and the extra ``media`` is not installed.
    """
    check_is_file(path)
    file = _open(path)
    try:
        check_rate_of_file(file.sampling_rate)
    except AudioError:
        file.__exit__(None, None, None)
        raise
    return file


def _open(path: str) -> SoundFile | MediaFile:
    if os.path.splitext(path)[1].lower() in MEDIA_EXTENSIONS:
        return MediaFile(path)
    try:
        return SoundFile(path)
    except UnknownFormatError as exc:
        if importlib.util.find_spec("av") is not None:
            check_is_told_by_content(path)
            return MediaFile(path)
        raise AudioError(
            f"the file is not a sound file that libsndfile can read, or is damaged ({exc}); "
            'more is read after: pip install "skw2c[media]"'
        ) from exc


def check_is_file(path: str) -> None:
    """Refuse what is missing, a folder, a device, a pipe or a socket, before it is opened.

    Raises
    ------
    AudioError
        With the cure.
    OSError
        If it may not even be looked at.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError) as exc:
        where = f"relative names count from the working directory {os.getcwd()!r}"
        raise AudioError(f"the file does not exist; {where}") from exc
    except ValueError as exc:
        raise AudioError(f"it is not the name of a file ({exc})") from exc
    except OSError as exc:
        if exc.errno not in _CAUSES:
            raise
        raise AudioError(_CAUSES[exc.errno]) from exc
    if stat.S_ISDIR(mode):
        raise AudioError(
            "it is a folder, not a sound file; list its files, for example with "
            "sorted(pathlib.Path(folder).rglob('*.wav'))"
        )
    refuse_mode(mode, AudioError)


def check_duration(blocks: Iterable[np.ndarray], rate: int, n_bytes: int) -> Iterator[np.ndarray]:
    """Pass the blocks of a file on, until they are more than its bytes can hold.

    Raises
    ------
    AudioError
        If there is more, as where a time stamp or the length in a header is damaged.
    """
    per_byte = min(_MOST_SAMPLES_PER_BYTE, _MOST_SECONDS_PER_BYTE * rate)
    left = _SECONDS_OF_ANY_FILE * rate + per_byte * n_bytes
    for block in blocks:
        left -= len(block)
        if left < 0:
            seconds = _SECONDS_OF_ANY_FILE + per_byte * n_bytes / rate
            raise AudioError(
                f"it goes on for more than {seconds:,.0f} seconds, which its {n_bytes:,} bytes "
                "cannot hold: its header or its time stamps are damaged"
            )
        yield block
