"""Whether the content of a file shows what it is, or only its name says so."""

from __future__ import annotations

import os

from ..exceptions import AudioError
from ..system._media_container import open_container
from ..system._optional import import_optional

# What FFmpeg tells by the content. Some other formats it takes on the word of the name.
_TOLD_BY_CONTENT = frozenset(
    {".aif", ".aiff", ".flac", ".mp1", ".mp2", ".mp3", ".oga", ".ogg", ".opus", ".wav"}
)


class _Nameless:
    """A file without its name."""

    def __init__(self, file):
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def check_is_told_by_content(path: str) -> None:
    """Refuse a file that FFmpeg takes for sound because of its name alone.

    What it cannot open at all is left to the one who opens it next.

    Raises
    ------
    AudioError
        If it takes the file for something else when it does not know the name.
    """
    if os.path.splitext(path)[1].lower() in _TOLD_BY_CONTENT:
        return
    av = import_optional("av", extra="media", purpose=f"Reading the sound of {path!r}")
    by_name = _format_of(path, av)
    if by_name is None:
        return
    with open(path, "rb") as file:
        if _format_of(_Nameless(file), av) != by_name:
            raise AudioError(
                "nothing in the file shows that it is sound, only its name: samples without a "
                "header (raw, GSM, G.722, VOX, au without its mark) could be anything. If it is "
                "sound, write it as wav, for example with: ffmpeg -f FORMAT -i FILE NEW.wav"
            )


def _format_of(source, av) -> str | None:
    try:
        with open_container(source, av, AudioError) as container:
            return container.format.name
    except (AudioError, av.error.FFmpegError):
        return None
