"""Open media containers with PyAV, and none that leads elsewhere; say when time starts in them."""

from __future__ import annotations

import errno
from fractions import Fraction
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


def choose_pictures(container, av: ModuleType):
    """The video track that players choose, or None; a cover is none."""
    disposition = av.stream.Disposition
    tracks = [
        track
        for track in container.streams.video
        if not track.disposition & disposition.attached_pic
    ]
    return max(
        tracks, key=lambda track: bool(track.disposition & disposition.default), default=None
    )


def start_of_file(container, pictures) -> Fraction:
    """Second on the tracks' clock at which a file with pictures starts: with its first track.

    The container itself states it rounded.
    """
    return min(
        (
            track.start_time * track.time_base
            for track in (pictures, *container.streams.audio)
            if track.start_time is not None
        ),
        default=Fraction(0),
    )
