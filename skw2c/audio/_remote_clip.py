"""Clips that lie elsewhere: in a bucket, on a web server, in an archive."""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Callable, Generator
from contextlib import suppress

import numpy as np

from ..exceptions import AudioError, OptionalDependencyError
from ..files import RemoteError, RemoteFile, new_place, suffix_of
from ._sound_clip import FileClip, SoundClip, as_audio_error

_UNREADABLE = (AudioError, OptionalDependencyError)


class RemoteClip(SoundClip):
    """The sound of a file elsewhere.

    It is fetched when it is first read, and kept in a temporary file until nobody needs this
    object any more, so that decoders see an ordinary file.

    Parameters
    ----------
    name : str
        Its address.
    """

    def __init__(self, name: str):
        super().__init__()
        self.name: str = name
        self._path: str | None = None

    def digest(self) -> str:
        """What the server says of the content, or of its time and size; else its checksum.

        The file is not fetched for it where the server tells. A local copy of it has another
        digest.
        """
        with as_audio_error():
            version = self._ask(lambda file: file.stamp().version)
        if version is None:
            return self._on_disk().digest()
        known_by = hashlib.sha256(f"{self.name} {version}".encode("utf-8", "surrogateescape"))
        return known_by.hexdigest() + suffix_of(self.name)

    def blocks(self, sampling_rate: int | None) -> Generator[np.ndarray]:
        """Yield mono float32 blocks at ``sampling_rate`` (Hz; None: the file's own)."""
        clip = self._on_disk()
        try:
            yield from clip.blocks(sampling_rate)
        except _UNREADABLE as exc:
            raise self._by_address(exc) from exc
        self.levels = clip.levels

    def sampling_rate(self) -> int:
        """Rate of the file in Hz."""
        try:
            return self._on_disk().sampling_rate()
        except _UNREADABLE as exc:
            raise self._by_address(exc) from exc

    def _on_disk(self) -> FileClip:
        """The fetched file."""
        if self._path is None:
            with as_audio_error():
                self._path = self._ask(self._fetch)
        return FileClip(self._path)

    def _fetch(self, file: RemoteFile) -> str:
        if file.local_path is not None:
            return file.local_path
        path = new_place(suffix_of(self.name))
        file.fetch(path)
        weakref.finalize(self, _remove, path)
        return path

    def _ask(self, question: Callable):
        """Let a question to the server fail as reading a clip does."""
        try:
            return question(RemoteFile(self.name))
        except RemoteError as exc:
            raise AudioError(str(exc)) from exc

    def _by_address(self, error: Exception) -> Exception:
        """The error with the address in place of the temporary file."""
        return type(error)(str(error).replace(self._path or self.name, self.name))


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
