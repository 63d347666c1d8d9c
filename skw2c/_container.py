"""Open media containers with PyAV, and none that leads elsewhere."""

from __future__ import annotations

import errno
from types import ModuleType

# What reads a list of other files instead of a file of its own.
_PLAYLISTS = frozenset({"avisynth", "concat", "dash", "hls", "image2", "imf", "sdp", "vapoursynth"})


def open_container(path: str, av: ModuleType, error: type[Exception]):
    """Open a media file.

    Parameters
    ----------
    path : str
        The file.
    av : module
        PyAV.
    error : type
        What is raised if the file is a list of other files.

    Raises
    ------
    av.error.FFmpegError
        If FFmpeg cannot open the file.
    """
    # To open a list and refuse it then would be late: FFmpeg follows it at once, also into
    # the network, and waits for minutes if it is a live one.
    formats = ",".join(av.formats_available - _PLAYLISTS)
    try:
        return av.open(
            f"file:{path}",  # without the prefix, a name with a colon is read as a protocol
            container_options={"format_whitelist": formats},
            metadata_errors="replace",
        )
    except av.error.FFmpegError as exc:
        if exc.errno != errno.EINVAL:
            raise
        raise error(
            "the file has no sound or video of its own: it is a list of other files, which are "
            "not followed, or a still picture, or is damaged"
        ) from exc
