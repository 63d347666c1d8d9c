"""The frames of a video, decoded with PyAV, and how long each of them is shown."""

from __future__ import annotations

import hashlib
import math
import os
import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from ..exceptions import OptionalDependencyError, VideoError
from ..system._media_container import choose_video_track, open_container, start_of_file
from ..system._optional import import_optional
from ..system._regular_file import refuse_device

if TYPE_CHECKING:
    from PIL.Image import Image

_CAUSES = {
    "EOFError": "the file is not a video, or is damaged",
    "FileNotFoundError": "the file does not exist",
    "InvalidDataError": "the file is not a video, or is damaged",
    "IsADirectoryError": "it is a folder, and a video is a file",
}
_RECODE = "re-encode it, for example with: ffmpeg -i IN OUT.mp4"
# In seconds. A slide may stay, but a few bytes that state years would make work without end.
_LONGEST_SHOW, _LONGEST_STILL = 4 * 3600, 60
# How a frame is turned upright, by the signs of a, b, c, d in FFmpeg's display matrix, which
# shows the pixel (x right, y down) at (a x + c y, b x + d y).
_UPRIGHT = {
    (-1, 0, 0, 1): "FLIP_LEFT_RIGHT",
    (1, 0, 0, -1): "FLIP_TOP_BOTTOM",
    (-1, 0, 0, -1): "ROTATE_180",
    (0, -1, 1, 0): "ROTATE_90",
    (0, 1, -1, 0): "ROTATE_270",
    (0, 1, 1, 0): "TRANSPOSE",
    (0, -1, -1, 0): "TRANSVERSE",
}


class VideoFile:
    """The frames of a video.

    Parameters
    ----------
    path : str or os.PathLike
        File of any format that FFmpeg reads.

    Raises
    ------
    VideoError
        If this is not a path.
    """

    def __init__(self, path: str | os.PathLike):
        if not isinstance(path, (str, os.PathLike)):
            raise VideoError(
                f"it is {reprlib.repr(path)} of type {type(path).__name__}; a video is a path "
                "(str or Path)"
            )
        self.name = os.fspath(path)

    def digest(self) -> str:
        """SHA-256 of the file's bytes, and the extension, which may choose the decoder."""
        with _as_video_error():
            refuse_device(self.name, VideoError)
            with open(self.name, "rb") as file:
                extension = os.path.splitext(self.name)[1].lower()
                return hashlib.file_digest(file, "sha256").hexdigest() + extension

    def frames(self, fps: float | None) -> Iterator[tuple[Image, int]]:
        """Yield frames as images in RGB, and how many of the instants show each of them.

        The instants are k / fps seconds from the start of the file, k = 0, 1, ..., before
        the end of the last frame. An instant shows the last frame that starts there or
        earlier, or else the first frame. Frames that are never shown are left out.

        Parameters
        ----------
        fps : float or None
            Instants per second. None takes every frame once.
        """
        purpose = f"Reading the video {self.name!r}"
        av = import_optional("av", extra="media", purpose=purpose)
        pil = import_optional("PIL.Image", extra="clip", purpose=purpose)
        with _as_video_error():
            refuse_device(self.name, VideoError)
            with open_container(self.name, av, VideoError) as container:
                track = _Track(container, av)
                converter = _FrameConverter(track.sample_aspect_ratio, av, pil)
                for frame, repeats in _count_instants(track.timeline(), fps):
                    yield converter.to_image(frame), repeats


@contextmanager
def _as_video_error() -> Iterator[None]:
    """Whatever FFmpeg trips over in one video is an error of that video."""
    try:
        yield
    except (VideoError, OptionalDependencyError):
        raise
    except MemoryError as exc:
        raise VideoError("there is not enough memory to read it") from exc
    except Exception as exc:
        kind = type(exc).__name__
        raise VideoError(_CAUSES.get(kind, f"it cannot be read ({kind}: {exc})")) from exc


def _count_instants(timeline: Iterator[tuple], fps: float | None) -> Iterator[tuple]:
    """Pair each frame that is shown with the number of instants that show it."""
    rate = None if fps is None else _exact_rate(fps)
    n_counted, shown = 0, None
    for frame, start in timeline:
        if shown is not None:
            n_instants = 1 if rate is None else math.ceil(start * rate) - n_counted
            if n_instants > 0:
                yield shown, n_instants
                n_counted += n_instants
        shown = frame


def _exact_rate(fps: float) -> Fraction:
    """The fraction that a float stands for: 2997 / 100 for 29.97, and 30000 / 1001 for itself."""
    if fps < 1:
        return 1 / Fraction(1 / float(fps)).limit_denominator(1_000_000)
    return Fraction(float(fps)).limit_denominator(1_000_000)


class _Track:
    """The frames of an open container, on the clock of the whole file.

    Attributes
    ----------
    sample_aspect_ratio : Fraction or None
        Width of a pixel over its height.
    """

    def __init__(self, container, av: ModuleType):
        self._av = av
        self._container = container
        self._stream = _choose_stream(container, av)
        if self._stream.codec_context is None:
            raise VideoError(f"its frames are in a format that FFmpeg cannot decode; {_RECODE}")
        self._stream.thread_type = "AUTO"
        self.sample_aspect_ratio = self._stream.sample_aspect_ratio
        self._file_start = start_of_file(container, self._stream)
        # Times are rounded to the clock of the file, milliseconds in WebM. Without this leeway
        # some frames would miss the very instant that they were made for.
        self._leeway = min(self._stream.time_base, Fraction(1, 1000)) / 2
        self._start = self._end = self._interval = self._read_until = Fraction(0)
        self._n_frames = 0

    def timeline(self) -> Iterator[tuple]:
        """Yield (frame, second that it starts), and at last (None, second of the end)."""
        for frame in self._decode():
            self._advance(frame)
            yield frame, self._start - self._leeway
        if not self._n_frames:
            raise VideoError("the file has a video track without a frame in it")
        self._check_complete()
        yield None, self._end - self._leeway

    def _decode(self) -> Iterator:
        """Decode the track; read the others past it, to know where the file ends."""
        try:
            for packet in self._container.demux():
                if packet.pts is not None:
                    end = (packet.pts + (packet.duration or 0)) * packet.time_base
                    self._read_until = max(self._read_until, end)
                if packet.stream.index == self._stream.index:
                    yield from packet.decode()
        except self._av.error.FFmpegError as exc:
            raise VideoError(self._damage(f" ({exc.strerror})")) from exc

    def _advance(self, frame) -> None:
        """Note start and end of the next frame."""
        if frame.is_corrupt:
            raise VideoError(self._damage())
        if frame.pts is None:
            start = self._end
        else:
            start = frame.pts * self._stream.time_base - self._file_start
        if self._n_frames:
            if start < self._start - 1:
                raise VideoError(
                    f"its clock jumps back from {float(self._start):.2f} to {float(start):.2f} "
                    f"seconds; {_RECODE}"
                )
            start = max(start, self._start)
            self._interval = (start - self._start) or self._interval
        self._start = start
        self._end = start + self._duration_of(frame)
        self._check_plausible()

    def _check_plausible(self) -> None:
        """Refuse frames whose time stamps show them for years."""
        self._n_frames += 1
        if self._end > _LONGEST_SHOW + _LONGEST_STILL * self._n_frames:
            raise VideoError(
                f"its time stamps state that frame {self._n_frames} is shown until "
                f"{float(self._end):.6g} seconds after the start of the file. If that is not "
                f"damage, {_RECODE}"
            )

    def _duration_of(self, frame) -> Fraction:
        if frame.duration:
            return frame.duration * self._stream.time_base
        return self._interval or 1 / (self._stream.average_rate or Fraction(25))

    def _check_complete(self) -> None:
        """Compare what was decoded with what the track, or else the file, states."""
        stream = self._stream
        if stream.duration is not None:
            stated = ((stream.start_time or 0) + stream.duration) * stream.time_base
            reached = self._end + self._file_start
        else:
            stated = Fraction(self._container.duration or 0, self._av.time_base)
            reached = self._read_until
        if stated - reached > max(Fraction(1, 2), 2 * (self._end - self._start)):
            raise VideoError(
                f"the file is truncated: it states {float(stated):.2f} seconds and ends at "
                f"{float(reached):.2f}. Fetch it again, or accept what is there with: "
                "ffmpeg -i IN -c copy OUT"
            )

    def _damage(self, cause: str = "") -> str:
        return (
            f"the file is damaged or truncated {float(self._end):.2f} seconds from its "
            f"start{cause}; {_RECODE}"
        )


def _choose_stream(container, av: ModuleType):
    """The video track."""
    track = choose_video_track(container, av)
    if track is not None:
        return track
    if container.streams.audio:
        cover = ", apart from a cover" if container.streams.video else ""
        raise VideoError(f"the file has no video, only sound{cover}")
    raise VideoError("the file has no video, or is damaged")


class _FrameConverter:
    """Make images of frames: in RGB, with square pixels, upright."""

    def __init__(self, sample_aspect_ratio: Fraction | None, av: ModuleType, pil: ModuleType):
        self._sample_aspect_ratio = sample_aspect_ratio or 1
        self._reformatter = av.video.reformatter.VideoReformatter()
        self._transpositions = pil.Transpose

    def to_image(self, frame) -> Image:
        # PyAV before 17 heeds the colour matrix of a frame only if some other is asked for, which
        # RGB does not have.
        rgb = self._reformatter.reformat(frame, format="rgb24", dst_colorspace="itu601")
        image = rgb.to_image()
        if self._sample_aspect_ratio != 1:
            width = max(1, round(image.width * self._sample_aspect_ratio))
            image = image.resize((width, image.height))
        turn = _turn_of(frame)
        return image.transpose(self._transpositions[turn]) if turn else image


def _turn_of(frame) -> str | None:
    """The nearest of the eight orientations that the display matrix means."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return None
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].astype(float)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        b = c = 0
    else:
        a = d = 0
    a, b, c, d = (int(np.sign(x)) for x in (a, b, c, d))
    return _UPRIGHT.get((a, b, c, d))
