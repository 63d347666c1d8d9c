"""Open media containers with PyAV, but none that leads elsewhere; find where time starts."""

from __future__ import annotations

import errno
from fractions import Fraction
from types import ModuleType

# A recording may pause, and a slide may stay. What states years is damaged, or a file of some
# bytes that makes work without end.
_LONGEST_PAUSE = 3600
_STATES_ITS_END = frozenset({"matroska,webm", "avi", "flv"})

# What reads a list of other files instead of a file of its own.
_PLAYLISTS = frozenset({"avisynth", "concat", "dash", "hls", "image2", "imf", "sdp", "vapoursynth"})


def open_container(source, av: ModuleType, error: type[Exception]):
    """Open a media file.

    Parameters
    ----------
    source : str or file object
        The path of the file; or the file, open for reading bytes.
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
            # Without the prefix, a name with a colon is read as a protocol.
            f"file:{source}" if isinstance(source, str) else source,
            container_options={"format_whitelist": formats},
            metadata_errors="replace",
        )
    except av.error.FFmpegError as exc:
        if exc.errno != errno.EINVAL:
            raise
        raise error(
            "the file has no sound or video of its own: it is a list of other files, which are "
            "not followed, or a still image, or is damaged"
        ) from exc


def choose_video_track(container, av: ModuleType):
    """The video track that players choose, or None; a cover does not count."""
    cover = av.stream.Disposition.attached_pic
    return _flagged([t for t in container.streams.video if not t.disposition & cover], av)


def choose_audio_track(container, av: ModuleType):
    """The sound track that players choose, or None."""
    return _flagged(container.streams.audio, av)


def _flagged(tracks, av: ModuleType):
    """The first track that the file marks as its default, or else the first."""
    default = av.stream.Disposition.default
    return max(tracks, key=lambda track: bool(track.disposition & default), default=None)


def start_of_file(container, video_track) -> Fraction:
    """Second on the tracks' clock at which a file with video starts: with its first track.

    The container itself states it rounded.
    """
    return min(
        (
            track.start_time * track.time_base
            for track in (video_track, *container.streams.audio)
            if track.start_time is not None
        ),
        default=Fraction(0),
    )


def is_a_pause(empty: float, filled: float) -> bool:
    """Whether a file may have so many seconds with nothing in them, next to those with something.

    An hour is a pause, and so are a minute for each second that is filled.
    """
    return empty <= _LONGEST_PAUSE + 60 * filled


def stated_end(container, av: ModuleType) -> float | None:
    """The second at which a Matroska, WebM, AVI or FLV file states that its last track ends.

    None where the file does not state it, and FFmpeg could only estimate it.
    """
    if container.format.name not in _STATES_ITS_END or container.duration is None:
        return None
    # Where the header of the file has a duration, FFmpeg gives none to the tracks.
    if container.format.name != "avi" and any(t.duration is not None for t in container.streams):
        return None
    return container.duration / av.time_base
