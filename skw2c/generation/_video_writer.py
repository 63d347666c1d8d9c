"""Films: pictures between pictures, and both with their sound in one file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

import numpy as np

from ..system._atomic import replace_atomically
from ..system._optional import import_optional

SOUND_RATE = 48000
"""Samples per second of the sound of a film."""


def write_film(
    path: str | os.PathLike,
    sides: tuple[int, int],
    sound: Iterable[np.ndarray],
    draw: Callable[[float], Iterable[np.ndarray]],
    frame_rate: float,
) -> None:
    """Write an mp4 file (H.264 and AAC), which appears whole or not at all.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    sides : (int, int)
        Height and width of the pictures, in pixels.
    sound : iterable of ndarray, float32
        Blocks of samples at `SOUND_RATE`, mono.
    draw : callable
        Gives the pictures (height, width, 3), uint8, for a film of so many seconds.
    frame_rate : float
        Pictures per second.

    Raises
    ------
    OptionalDependencyError
        If PyAV is not installed.
    ValueError
        If the sound has no samples.
    """
    av = import_optional("av", extra="media", purpose="Writing a video")
    with (
        replace_atomically(path) as temporary,
        av.open(str(temporary), "w", format="mp4") as container,
    ):
        heard = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        seen = container.add_stream("libx264", rate=Fraction(frame_rate).limit_denominator(1001))
        seen.height, seen.width = sides
        seen.pix_fmt = "yuv420p"
        n_samples = 0
        for block in sound:
            if not len(block):  # PyAV has no frame without samples
                continue
            frame = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
            frame.rate, frame.pts = SOUND_RATE, n_samples
            n_samples += len(block)
            container.mux(heard.encode(frame))
        if not n_samples:
            raise ValueError("there is nothing to hear: the sound has no samples")
        for picture in draw(n_samples / SOUND_RATE):
            container.mux(seen.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        for stream in (heard, seen):
            container.mux(stream.encode())


def blend(keys: Iterable, centres: Sequence[float], times: Iterable[float]) -> Iterator:
    """Give what lies between keys at each of the times, in a straight line.

    Parameters
    ----------
    keys : iterable of Tensor or ndarray
        One for each of ``centres``; only two are held at a time.
    centres : sequence of float
        When each of them is reached, increasing. Before the first and after the last
        nothing changes.
    times : iterable of float
        Not decreasing.
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
