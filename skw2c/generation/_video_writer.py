"""Write videos with sound, with interpolated frames between the generated ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

import numpy as np

from ..system._atomic import replace_atomically
from ..system._optional import import_optional

SOUND_RATE = 48000
"""Sampling rate of the sound of a video, in Hz."""


def write_video_file(
    path: str | os.PathLike,
    sides: tuple[int, int],
    sound: Iterable[np.ndarray],
    draw: Callable[[float], Iterable[np.ndarray]],
    frame_rate: float,
) -> None:
    """Write an mp4 file (H.264 and AAC) atomically.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    sides : (int, int)
        Height and width of the frames, in pixels.
    sound : iterable of ndarray, float32
        Blocks of samples at `SOUND_RATE`, mono.
    draw : callable
        Yields the frames (height, width, 3), uint8, of a video of the given duration in seconds.
    frame_rate : float
        Frames per second.

    Raises
    ------
    OptionalDependencyError
        If PyAV is not installed.
    ValueError
        If the sound is empty.
    """
    av = import_optional("av", extra="media", purpose="Writing a video")
    with (
        replace_atomically(path) as temporary,
        av.open(str(temporary), "w", format="mp4") as container,
    ):
        audio = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        video = container.add_stream("libx264", rate=Fraction(frame_rate).limit_denominator(1001))
        video.height, video.width = sides
        video.pix_fmt = "yuv420p"
        n_samples = 0
        for block in sound:
            if not len(block):  # PyAV refuses frames without samples
                continue
            frame = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
            frame.rate, frame.pts = SOUND_RATE, n_samples
            n_samples += len(block)
            container.mux(audio.encode(frame))
        if not n_samples:
            raise ValueError("the sound is empty: a video needs at least one sample")
        for image in draw(n_samples / SOUND_RATE):
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        for stream in (audio, video):
            container.mux(stream.encode())


def blend(keys: Iterable, centres: Sequence[float], times: Iterable[float]) -> Iterator:
    """Interpolate linearly between keys at each of the times.

    Parameters
    ----------
    keys : iterable of Tensor or ndarray
        One for each of ``centres``; only two are kept in memory at a time.
    centres : sequence of float
        The times of the keys, increasing. Before the first and after the last one, the result is
        constant.
    times : iterable of float
        The times to interpolate at, not decreasing.
    """
    keys = iter(keys)
    behind = ahead = next(keys)
    reached = 0
    for time in times:
        while time > centres[reached] and reached < len(centres) - 1:
            behind, ahead = ahead, next(keys)
            reached += 1
        before = centres[max(reached - 1, 0)]
        way = centres[reached] - before
        share = min(max((time - before) / way, 0.0), 1.0) if way else 1.0
        yield behind + share * (ahead - behind)
