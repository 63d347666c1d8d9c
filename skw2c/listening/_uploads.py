"""Sounds and images that are sent to search with: checked, bounded, and soon forgotten."""

from __future__ import annotations

import os
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from ..audio._sound_clip import FileClip
from ..exceptions import AudioError, OptionalDependencyError
from ..system._extensions import MEDIA_EXTENSIONS, SOUND_EXTENSIONS
from ._problems import ProblemError
from ._sounds import Sounds
from ._text import as_file_name

MOST_BYTES = 20 << 20
MOST_SECONDS = 300
MOST_KEPT = 16
_RATE = 8000  # Hz at which a sound is decoded to see that it can be, and how long it is

_IMAGES = {
    b"\x89PNG\r\n\x1a\n": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
    b"BM": ".bmp",
}
_TYPES = {
    "audio/webm": ".webm",
    "video/webm": ".webm",
    "audio/mp4": ".m4a",
    "video/mp4": ".mp4",
    "audio/ogg": ".ogg",
}


@dataclass(frozen=True)
class Upload:
    """A file that was sent.

    Attributes
    ----------
    id : str
        What it is asked for by.
    kind : {"sound", "image"}
    name : str
        What the user called it.
    path : str
        Where it lies.
    duration : float or None
        In seconds; None for images.
    """

    id: str
    kind: str
    name: str
    path: str
    duration: float | None


class Uploads:
    """The last files that were sent.

    Parameters
    ----------
    sounds : Sounds
        In whose folder they are kept.
    """

    def __init__(self, sounds: Sounds):
        self._sounds = sounds
        self._kept: OrderedDict[str, Upload] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, content, name: str, content_type: str, stop: threading.Event) -> Upload:
        """Keep a file that was sent.

        Parameters
        ----------
        content : file object
        name, content_type : str
            As the browser gives them.
        stop : threading.Event
            When it is set, decoding ends.

        Raises
        ------
        ProblemError
            If it is neither a sound nor an image, or too long.
        """
        name = as_file_name(os.path.basename(name.replace("\\", "/")))
        start = content.read(16)
        image = image_suffix(start)
        suffix = image or sound_suffix(name, content_type)
        id_ = secrets.token_urlsafe(12)
        path = self._sounds.folder / f"upload-{id_}{suffix}"
        try:
            with open(path, "wb") as file:
                file.write(start)
                while block := content.read(1 << 20):
                    file.write(block)
            duration = None if image else check_sound(str(path), name, stop)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        upload = Upload(id_, "image" if image else "sound", name, str(path), duration)
        self._keep(upload)
        return upload

    def get(self, id_: str) -> Upload:
        """A file that was sent.

        Raises
        ------
        ProblemError
            If there is none of this name any more.
        """
        with self._lock:
            if id_ not in self._kept:
                raise ProblemError(
                    404,
                    f"this upload is gone (the last {MOST_KEPT} are kept): send it again",
                )
            self._kept.move_to_end(id_)
            return self._kept[id_]

    def _keep(self, upload: Upload) -> None:
        with self._lock:
            self._kept[upload.id] = upload
            while len(self._kept) > MOST_KEPT:
                _, oldest = self._kept.popitem(last=False)
                Path(oldest.path).unlink(missing_ok=True)


def image_suffix(start: bytes) -> str | None:
    """The suffix of an image file by its first bytes; None for what is none."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return ".webp"
    return next((suffix for magic, suffix in _IMAGES.items() if start.startswith(magic)), None)


def sound_suffix(name: str, content_type: str) -> str:
    """The suffix that chooses the decoder."""
    suffix = os.path.splitext(name)[1].lower()
    if suffix in SOUND_EXTENSIONS | MEDIA_EXTENSIONS:
        return suffix
    return _TYPES.get(content_type.split(";")[0].strip().lower(), ".wav")


def check_sound(path: str, name: str, stop: threading.Event) -> float:
    """Decode a sound that was sent; return its duration in seconds.

    Raises
    ------
    ProblemError
        If it cannot be decoded, is empty, or is too long.
    """
    n_samples = 0
    try:
        for block in FileClip(path).blocks(_RATE):
            n_samples += len(block)
            if n_samples > MOST_SECONDS * _RATE:
                raise ProblemError(413, f"the sound is longer than {MOST_SECONDS // 60} minutes")
            if stop.is_set():
                raise ProblemError(413, "the sound takes too long to be decoded")
    except (AudioError, OptionalDependencyError) as exc:
        message = str(exc).replace(repr(path), repr(name))
        raise ProblemError(415, f"{name!r} is neither a sound nor an image: {message}") from exc
    if not n_samples:
        raise ProblemError(415, f"{name!r} has no samples")
    return n_samples / _RATE
