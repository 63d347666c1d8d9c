"""Open any sound or media file for reading in blocks."""

from __future__ import annotations

import importlib.util
import os

from .._extensions import MEDIA_EXTENSIONS
from ..exceptions import AudioError
from ._media_file import MediaFile
from ._sound_file import SoundFile, UnknownFormatError


def open_audio(path: str | os.PathLike) -> SoundFile | MediaFile:
    """Open ``path`` with soundfile, or with PyAV where the format asks for it.

    Parameters
    ----------
    path : str or os.PathLike
        File to open.

    Returns
    -------
    SoundFile or MediaFile
        Context manager with ``sampling_rate`` (Hz) and ``blocks()``.

    Raises
    ------
    AudioError
        If there is no such file, or no decoder knows its content.
    OSError
        If the file may not be read.
    OptionalDependencyError
        If only PyAV can read the file and the extra ``media`` is not installed.
    """
    path = os.fspath(path)
    _check_is_file(path)
    if os.path.splitext(path)[1].lower() in MEDIA_EXTENSIONS:
        return MediaFile(path)
    try:
        return SoundFile(path)
    except UnknownFormatError as exc:
        if importlib.util.find_spec("av") is not None:
            return MediaFile(path)
        raise AudioError(
            f"the file is no sound file that libsndfile can read, or is damaged ({exc}); "
            'more is read after: pip install "skw2c[media]"'
        ) from exc


def _check_is_file(path: str) -> None:
    if os.path.isdir(path):
        raise AudioError(
            "it is a folder, not a sound file; list its files, for example with "
            "sorted(pathlib.Path(folder).rglob('*.wav'))"
        )
    if os.path.exists(path) and not os.path.isfile(path):
        raise AudioError("it is no regular file, but a device, a pipe or a socket")
    if not os.path.exists(path):
        raise AudioError(
            "there is no such file; relative names count from the working directory "
            f"{os.getcwd()!r}"
        )
