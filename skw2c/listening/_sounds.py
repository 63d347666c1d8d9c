"""Sounds as browsers play them: files as they are, and others decoded to WAV."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import threading
import time
import uuid
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from ..audio._decode import check_duration, open_audio
from ..audio._facts import SoundFacts, read_facts
from ..audio._sound_clip import FileClip, as_audio_error
from ..exceptions import AudioError, OptionalDependencyError
from ..system._extensions import MEDIA_EXTENSIONS, SOUND_EXTENSIONS
from ._abilities import command_in
from ._once import Once
from ._problems import ProblemError

MISSING = "the file of this sound is missing: it was moved or removed"
"""What is told of a file that is not there."""

_KEPT_FACTS = 1 << 16
_KEPT_FILES = 256
_MOST_BYTES = 2 << 30  # of decoded files on disk
_LARGEST = 1 << 30  # of one of them
_IN_USE = 60.0  # seconds in which a decoded file is not removed after it was asked for
_RATES = range(3000, 192_001)
"""Hz that browsers play."""
_RATE = 48_000
"""Hz of what has another rate."""

_PLAYED = {
    ("WAV", "PCM_U8"): "audio/wav",
    ("WAV", "PCM_16"): "audio/wav",
    ("WAV", "PCM_24"): "audio/wav",
    ("WAV", "FLOAT"): "audio/wav",
    ("WAVEX", "PCM_16"): "audio/wav",
    ("WAVEX", "PCM_24"): "audio/wav",
    ("WAVEX", "FLOAT"): "audio/wav",
    ("FLAC", "PCM_S8"): "audio/flac",
    ("FLAC", "PCM_16"): "audio/flac",
    ("FLAC", "PCM_24"): "audio/flac",
    ("OGG", "VORBIS"): "audio/ogg",
    ("OGG", "OPUS"): "audio/ogg",
    ("MP3", "MPEG_LAYER_III"): "audio/mpeg",
    ("MPEG", "MPEG_LAYER_III"): "audio/mpeg",
    ("mov,mp4,m4a,3gp,3g2,mj2", "aac"): "audio/mp4",
    ("matroska,webm", "opus"): "audio/webm",
    ("matroska,webm", "vorbis"): "audio/webm",
}
_LONGEST_VORBIS = 600
"""Seconds up to which Ogg Vorbis is decoded: in it, Chromium seeks to places a second off."""

_PLAYED_SUFFIXES = {".m4a", ".m4b", ".webm", ".weba"}
"""Media files that browsers play where they hold what is in `_PLAYED`."""


@dataclass(frozen=True)
class PlayedFile:
    """A file that can be sent to a browser."""

    path: str
    media_type: str


class Sounds:
    """Sound files, looked at and decoded for a browser.

    What is decoded is kept as files in a folder of its own, which `close` removes.
    """

    def __init__(self):
        self._facts = Once(_KEPT_FACTS)
        self._decoded = Once(_KEPT_FILES)
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()
        self._looking = ThreadPoolExecutor(4, "skw2c-headers")
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder of what is decoded, made at the first need."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="skw2c-listening-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            return self._folder

    def facts(self, path: str) -> SoundFacts:
        """What the header of a file says.

        Raises
        ------
        ProblemError
            If it cannot be read.
        """
        with told():
            return self._facts.get(version_of(path), lambda: read_facts(path))

    def durations(self, paths: list[str], patience: float) -> dict[str, float | None]:
        """Seconds that sounds last, as far as their headers are read soon enough.

        Parameters
        ----------
        paths : list of str
        patience : float
            Seconds to wait. What is late is known the next time.
        """
        known = {path: self._facts.known(_version_or_none(path)) for path in set(paths)}
        unknown = [path for path, facts in known.items() if facts is None]
        futures = {self._looking.submit(self._duration, path): path for path in unknown}
        done, late = wait(futures, patience)
        for future in late:
            future.cancel()
        durations = {path: facts.duration for path, facts in known.items() if facts is not None}
        return durations | {futures[future]: future.result() for future in done}

    def size(self, path: str) -> int:
        """Bytes of a file."""
        return version_of(path)[1]

    def as_it_is(self, path: str) -> PlayedFile | None:
        """The file itself, where browsers play it; else None."""
        media_type = media_type_of(path, self.facts(path))
        return None if media_type is None else PlayedFile(path, media_type)

    def decoded(self, path: str) -> PlayedFile:
        """The sound of a file as WAV of 16 bits."""
        with told():
            key = version_of(path)
            place = self._decoded.get(key, lambda: self._decode(path))
            if not os.path.exists(place):  # it was removed to make room
                self._decoded.forget(key)
                place = self._decoded.get(key, lambda: self._decode(path))
        with self._lock:
            self._used[place] = time.monotonic()
        return PlayedFile(place, "audio/wav")

    def original(self, path: str) -> PlayedFile:
        """The file itself, if it is one of sound."""
        if os.path.splitext(path)[1].lower() not in SOUND_EXTENSIONS | MEDIA_EXTENSIONS:
            self.facts(path)
        return PlayedFile(path, "application/octet-stream")

    def close(self) -> None:
        """Remove what was decoded."""
        self._looking.shutdown(wait=False, cancel_futures=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _duration(self, path: str) -> float | None:
        try:
            return self.facts(path).duration
        except ProblemError:
            return None

    def _decode(self, path: str) -> str:
        self._make_room()
        place = self.folder / f"{uuid.uuid4().hex}.wav"
        try:
            write_wav(path, place)
        except BaseException:
            place.unlink(missing_ok=True)
            raise
        return str(place)

    def _make_room(self) -> None:
        """Remove the decoded files that were asked for longest ago, if all are too large."""
        with self._lock:
            sizes = {p: os.path.getsize(p) for p in self._used if os.path.exists(p)}
            total = sum(sizes.values())
            for place in sorted(sizes, key=self._used.__getitem__):
                if total <= _MOST_BYTES or time.monotonic() - self._used[place] < _IN_USE:
                    break
                total -= sizes[place]
                del self._used[place]
                os.unlink(place)


def version_of(path: str) -> tuple:
    """What changes when a file does.

    Raises
    ------
    ProblemError
        If the file is not there, or is none.
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError) as exc:
        raise ProblemError(404, MISSING) from exc
    if not stat.S_ISREG(status.st_mode):
        raise ProblemError(415, "this sound cannot be read: it is not a regular file")
    return path, status.st_size, status.st_mtime_ns


def _version_or_none(path: str) -> tuple | None:
    try:
        return version_of(path)
    except ProblemError:
        return None


def media_type_of(path: str, facts: SoundFacts) -> str | None:
    """The media type of a file that browsers play; None for all others."""
    media_type = _PLAYED.get((facts.container, facts.codec))
    is_media = facts.container.islower()
    suffix = os.path.splitext(path)[1].lower()
    if facts.sampling_rate not in _RATES or facts.has_video:
        return None
    if facts.codec == "VORBIS" and (facts.duration or 0) <= _LONGEST_VORBIS:
        return None
    return None if is_media and suffix not in _PLAYED_SUFFIXES else media_type


def write_wav(path: str, place: Path) -> None:
    """Decode a file to WAV of 16 bits, in mono where it would be too large otherwise.

    Raises
    ------
    AudioError
        If it cannot be decoded.
    ProblemError
        If it is too large even so.
    """
    facts = read_facts(path)
    n_bytes = 2 * facts.sampling_rate * facts.channels * (facts.duration or 0)
    is_usual = facts.sampling_rate in _RATES
    rate = facts.sampling_rate if is_usual else _RATE
    in_mono = n_bytes > _LARGEST or not is_usual
    blocks = FileClip(path).blocks(rate) if in_mono else _all_channels(path)
    first = next(blocks, None)
    if first is None:
        raise AudioError("it has no samples")
    _write_blocks(chain([first], blocks), place, rate, first.shape[1:] or (1,))


def _write_blocks(blocks: Iterator[np.ndarray], place: Path, rate: int, shape: tuple) -> None:
    import soundfile

    written = 0
    with soundfile.SoundFile(place, "w", rate, *shape, subtype="PCM_16", format="WAV") as file:
        for block in blocks:
            written += 2 * block.size
            if written > _LARGEST:
                raise ProblemError(
                    413,
                    "this sound is too long to be decoded for the browser: download the original",
                )
            file.write(np.clip(np.nan_to_num(block), -1, 1))


def _all_channels(path: str) -> Iterator[np.ndarray]:
    """Blocks of shape (samples, channels), float32."""
    with as_audio_error(), open_audio(path) as file:
        yield from check_duration(file.blocks(), file.sampling_rate, os.path.getsize(path))


class told:  # noqa: N801, it reads as a function
    """Tell the page why a sound cannot be read."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, (AudioError, OptionalDependencyError)):
            command = command_in(str(error))
            raise ProblemError(
                415, f"this sound cannot be read: {error}", command=command
            ) from error
        if isinstance(error, OSError):
            raise ProblemError(404, f"the file of this sound cannot be opened: {error}") from error
        return False
