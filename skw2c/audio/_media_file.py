"""Decode the sound of m4a, aac, mp4, mkv and other containers with PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import numpy as np

from ..exceptions import AudioError
from ..system._media_container import (
    choose_audio_track,
    choose_video_track,
    open_container,
    start_of_file,
    stated_end,
)
from ..system._optional import import_optional
from ._clock import Clock
from ._headers import id3_size
from ._prepare import mix_down, resample
from ._rate import check_rate_of_file
from ._wholeness import check_is_whole, check_nothing_follows

_BLOCK_SECONDS = 10
# Formats that FFmpeg reads from their start to where their header states that they end.
_ENDS_WITH_ITS_SOUND = frozenset({"ape", "flv", "tta", "wv"})
# Half a second is what the last packets may leave open that do not state how long they last.
_END_TOLERANCE = 0.5


class MediaFile:
    """The sound track of a media file that players choose, open for reading in blocks.

    Time starts with the file, as it does for the frames of a video: a track that begins
    later than the frames begins with silence, and a gap in its time stamps is silence too.

    Attributes
    ----------
    sampling_rate : int
        Rate of the first sound in Hz. What has another rate later is resampled.
    """

    def __init__(self, path: str):
        self._av = import_optional("av", extra="media", purpose=f"Reading the sound of {path!r}")
        self._path = path
        try:
            self._container = open_container(path, self._av, AudioError)
        except self._av.error.FFmpegError as exc:
            raise AudioError(
                f"the file is not a sound or media file, or is damaged ({exc.strerror})"
            ) from exc
        try:
            self._start()
        except BaseException:
            self._container.close()
            raise

    def _start(self) -> None:
        self._track = choose_audio_track(self._container, self._av)
        if self._track is None:
            raise AudioError("the file has no sound track")
        if self._track.codec_context is None:
            raise AudioError("its sound is in a format that FFmpeg cannot decode")
        if self._track.codec_context.name == "flac":
            # Otherwise what is left of a frame that was cut off is passed on.
            self._track.codec_context.options = {"err_detect": "crccheck+explode"}
        self._video_track = choose_video_track(self._container, self._av)
        self._clock = Clock(self._container, with_video=self._video_track is not None)
        self._converter: Any = None
        self._converts: tuple | None = None
        self._late_start = 0.0
        self._read_until = Fraction(0)
        self._bytes_until = 0
        frames = self._decode()
        first = next(frames, None)
        # The header of a track may state another rate than its frames have.
        self.sampling_rate = self._track.rate if first is None else first.sample_rate
        self._frames = frames if first is None else chain([first], frames)

    def __enter__(self) -> MediaFile:
        return self

    def __exit__(self, *exc_info) -> None:
        self._container.close()

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield float32 blocks of shape (samples, channels); integer PCM is in [-1, 1).

        Raises
        ------
        AudioError
            If the file is damaged, or ends earlier than it states.
        """
        for rate, group in groupby(self._on_the_clock(), key=itemgetter(0)):
            blocks = map(itemgetter(1), group)
            if rate == self.sampling_rate:
                yield from blocks
            else:
                check_rate_of_file(rate)
                mono = resample(map(mix_down, blocks), rate, self.sampling_rate)
                yield from (block[:, None] for block in mono)
        self._check_is_whole()

    def _on_the_clock(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the rate of each block and the block, silence included."""
        overlap = 0
        for frame, late in self._timed():
            rate = frame.sample_rate
            yield from ((rate, block) for block in _silence(round(late * rate), rate))
            overlap += max(-round(late * rate), 0)
            block = self._to_float(frame)[overlap:]
            overlap = max(overlap - frame.samples, 0)
            if len(block):
                yield rate, block

    def _timed(self) -> Iterator[tuple]:
        """Pair each frame with the seconds by which it is late."""
        for number, frame in enumerate(self._frames):
            if number == 0:
                self._clock.wait(self._late_start)
                yield frame, self._late_start + self._clock.late(frame)
            else:
                yield frame, self._clock.late(frame)

    def _decode(self) -> Iterator:
        """Decode the track; where the file states its end, read the others to theirs."""
        stated = stated_end(self._container, self._av) is not None
        packets = self._container.demux() if stated else self._container.demux(self._track)
        is_first = True
        try:
            for packet in packets:
                self._note_end(packet)
                if packet.stream.index != self._track.index:
                    continue
                if is_first:
                    self._late_start, is_first = float(self._time_before(packet)), False
                yield from self._decode_packet(packet)
        except self._av.error.FFmpegError as exc:
            raise AudioError(
                f"the file is damaged or truncated {self._clock.decoded:.2f} seconds from its "
                f"start ({exc.strerror})"
            ) from exc

    def _decode_packet(self, packet) -> list:
        """Decode a packet; the tags of MP3 files that were joined are not sound."""
        if self._container.format.name != "mp3":
            return packet.decode()
        content = bytes(packet)
        if content[:3] not in (b"ID3", b"TAG"):
            return packet.decode()
        sound = content[128:] if content[:3] == b"TAG" else content[id3_size(content) :]
        if sound[:1] != b"\xff":
            return []
        return self._track.codec_context.decode(self._av.Packet(sound))

    def _note_end(self, packet) -> None:
        if packet.pts is not None:
            end = (packet.pts + (packet.duration or 0)) * packet.time_base
            self._read_until = max(self._read_until, end)
        self._bytes_until = max(self._bytes_until, (packet.pos or 0) + packet.size)

    def _to_float(self, frame) -> np.ndarray:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._converts:
            self._converter, self._converts = self._av.AudioResampler(format="fltp"), kind
        blocks = [converted.to_ndarray().T for converted in self._converter.resample(frame)]
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def _time_before(self, packet) -> Fraction:
        """Seconds from the start of the file to the first packet.

        What a track states of its own start is a guess where the sound begins far behind the
        first frames. What an encoder puts before time zero is not counted.
        """
        if self._video_track is None or packet.pts is None:
            return Fraction(0)
        start = start_of_file(self._container, self._video_track)
        return max(packet.pts * packet.time_base - start, Fraction(0))

    def _check_is_whole(self) -> None:
        container = self._container
        check_is_whole(self._path, container.format.name, thorough=self._clock.paused > 0)
        if container.format.name in _ENDS_WITH_ITS_SOUND:
            check_nothing_follows(self._path, self._bytes_until)
        stated = stated_end(container, self._av)
        if stated is not None and stated > self._read_until + _END_TOLERANCE:
            raise AudioError(
                f"the file is truncated: it states {stated:.2f} seconds and ends at "
                f"{float(self._read_until):.2f}. Fetch it again, or accept what is there with: "
                "ffmpeg -i IN -c copy OUT"
            )


def _silence(n_samples: int, rate: int) -> Iterator[np.ndarray]:
    """Yield zeros in blocks, none if there are fewer than one sample."""
    at_once = _BLOCK_SECONDS * rate
    for first in range(0, n_samples, at_once):
        yield np.zeros((min(at_once, n_samples - first), 1), np.float32)
