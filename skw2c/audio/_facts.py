"""What the header of a sound or media file says: format, rate, channels and duration."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..exceptions import AudioError
from ..system._extensions import MEDIA_EXTENSIONS
from ..system._media_container import choose_audio_track, choose_video_track, open_container
from ..system._optional import import_optional
from ._decode import check_is_file


@dataclass(frozen=True)
class SoundFacts:
    """What a sound file says of itself, before any of it is decoded.

    Attributes
    ----------
    container, codec : str
        As libsndfile calls them, in capitals (``"WAV"``, ``"PCM_16"``), or as FFmpeg does
        (``"matroska,webm"``, ``"opus"``).
    sampling_rate : int
        In Hz.
    channels : int
    duration : float or None
        In seconds; None where the header does not state it.
    has_video : bool
    """

    container: str
    codec: str
    sampling_rate: int
    channels: int
    duration: float | None
    has_video: bool = False


def read_facts(path: str) -> SoundFacts:
    """Read the header of a file.

    Raises
    ------
    AudioError
        If the file does not exist, or no decoder knows its content.
    OptionalDependencyError
        If only PyAV can read the file and the extra ``media`` is not installed.
    """
    check_is_file(path)
    if os.path.splitext(path)[1].lower() in MEDIA_EXTENSIONS:
        return _of_media(path)
    import soundfile

    try:
        info = soundfile.info(path if os.name == "nt" else os.fsencode(path))
    except (soundfile.LibsndfileError, TypeError):
        return _of_media(path)
    return SoundFacts(info.format, info.subtype, info.samplerate, info.channels, info.duration)


def _of_media(path: str) -> SoundFacts:
    av = import_optional("av", extra="media", purpose=f"Reading the sound of {path!r}")
    try:
        with open_container(path, av, AudioError) as container:
            track = choose_audio_track(container, av)
            if track is None or track.codec_context is None:
                raise AudioError("the file has no sound track that can be decoded")
            return SoundFacts(
                container.format.name,
                track.codec_context.name,
                track.rate,
                track.channels,
                None if container.duration is None else container.duration / av.time_base,
                choose_video_track(container, av) is not None,
            )
    except av.error.FFmpegError as exc:
        raise AudioError(f"the file is not a sound or media file ({exc.strerror})") from exc
