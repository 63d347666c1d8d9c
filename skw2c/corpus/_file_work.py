"""The work on one file: is it the one that is known, and if not, what is its vector."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

from ..audio import FileClip, Levels
from ..exceptions import AudioError, OptionalDependencyError
from ..files import (
    MissingFileError,
    RemoteError,
    RemoteFile,
    Stamp,
    fetched,
    is_fresh,
    is_remote,
    stamp_of_file,
)
from ..system._portions import divide
from ..transformers._file_embedder import EmbeddedFile, FileEmbedder
from ._listing import as_text
from ._rows import FileRow

_UNREADABLE = (AudioError, OptionalDependencyError, RemoteError)
_SHA256 = 64  # digits
_CHANGES = "it changes while it is read; run the same again when it does not"


class KnownRow:
    """A row that was written before.

    Parameters
    ----------
    row : FileRow
    started : float
        When the run began that read the file, in seconds since 1970.
    """

    def __init__(self, row: FileRow, started: float):
        self.row = row
        self._in_doubt = is_fresh(row.stamp, started)

    def is_of(self, stamp: Stamp) -> bool:
        """Whether a file with this stamp is certainly the one that was read."""
        return not self._in_doubt and self.row.stamp.agrees_with(stamp)


class FileWork:
    """A file that has to be looked at.

    Parameters
    ----------
    name : str
        Its name.
    stamp : Stamp
        What is known of it from a list.
    known : KnownRow or None
        What was written before.
    retry_failed : bool
        Whether to try it again if it failed before.

    Attributes
    ----------
    row : FileRow
        The result, set when it is known.
    is_new : bool
        Whether the row is another one than was known.
    was_read : bool
        Whether the file was embedded, or failed.
    levels : Levels or None
        Those of a clip that there is to warn of.
    """

    def __init__(self, name: str, stamp: Stamp, known: KnownRow | None, *, retry_failed: bool):
        self.name = name
        self.row: FileRow
        self.is_new = False
        self.was_read = False
        self.levels: Levels | None = None
        self._stamp = stamp
        self._digest: str | None = None
        self._known = known
        if known is not None and known.row.error is not None and retry_failed:
            self._known = None

    @property
    def size(self) -> int | None:
        """Its bytes, where they are known."""
        return self._stamp.size

    def is_known_by(self, stamp: Stamp) -> bool:
        """Whether a file with this stamp is certainly the one of the known row."""
        return self._known is not None and self._known.is_of(stamp)

    def open(self, copies: ExitStack) -> str | None:
        """Find out whether the file has to be embedded; return the path to read it from."""
        try:
            if self._is_known():
                return None
            path = copies.enter_context(fetched(self.name)) if self._is_remote else self.name
            self._digest = FileClip(path).digest()[:_SHA256]
            self._check_size(path)
        except _UNREADABLE as exc:
            if isinstance(exc, RemoteError):
                self._stamp = Stamp()  # another run tries again
            self.finish(exc)
            return None
        known = self._known
        if known is not None and known.row.digest == self._digest:
            self.row = replace(known.row, stamp=self._stamp)
            self.is_new = self.row.stamp != known.row.stamp
            return None
        return path

    def finish(self, result: EmbeddedFile | Exception, path: str | None = None) -> None:
        """Take the result of a file that was read."""
        self.is_new = self.was_read = True
        if not isinstance(result, Exception):
            result = self._check_unchanged() or result
        text = as_text(self.name)
        if isinstance(result, Exception):
            cause = str(result) if path is None else str(result).replace(path, self.name)
            self.row = FileRow(text, self._stamp, self._digest, error=cause)
            return
        self.levels = result.levels
        self.row = FileRow(
            text,
            self._stamp,
            self._digest,
            result.seconds,
            vectors=result.vectors,
            times=result.times,
        )

    @property
    def _is_remote(self) -> bool:
        return is_remote(self.name)

    def _is_known(self) -> bool:
        """Whether the file is the one of the known row, as far as can be told unread."""
        known = self._known
        if not self._is_remote:
            try:
                self._stamp = stamp_of_file(self.name)
            except (OSError, ValueError):
                return False  # who reads it says why
        elif self._stamp == Stamp():
            try:
                self._stamp = RemoteFile(self.name).stamp()
            except RemoteError as exc:
                is_gone = isinstance(exc, MissingFileError)
                if known is None or known.row.error is not None or is_gone:
                    raise
                self.row = known.row  # that it has changed is not known
                return True
        if known is None or not known.is_of(self._stamp):
            return False
        self.row = known.row
        return True

    def fail(self, cause: str) -> None:
        """Give the file a row with an error; it is read for its checksum, and not decoded."""
        self._known = None
        with ExitStack() as copies:
            if self.open(copies) is not None:
                self.finish(AudioError(cause))

    def _check_size(self, path: str) -> None:
        size, before = os.path.getsize(path), self._stamp.size
        if before not in (None, size):
            self._stamp, self._digest = Stamp(), None
            raise AudioError(
                f"it has {size:,} bytes, and had {before:,} when it was listed: {_CHANGES}"
            )

    def _check_unchanged(self) -> AudioError | None:
        if self._is_remote or self._is_as_before():
            return None
        self._stamp, self._digest = Stamp(), None
        return AudioError(_CHANGES)

    def _is_as_before(self) -> bool:
        try:
            return stamp_of_file(self.name) == self._stamp
        except OSError:
            return False


def bundle(files: list[FileWork], most_files: int, most_bytes: int) -> Iterator[list[FileWork]]:
    """Yield files in groups that are worked on together; large ones, and unknown ones, alone."""
    sizes = [most_bytes if file.size is None else file.size for file in files]
    return divide(files, sizes, most_files, most_bytes)


def work_on(files: list[FileWork], embedder: FileEmbedder, stopped: threading.Event) -> None:
    """Give some files their rows, in any thread.

    Raises
    ------
    concurrent.futures.CancelledError
        If it was stopped meanwhile.
    """
    with ExitStack() as copies:
        paths = [file.open(copies) for file in files]
        todo = [(file, path) for file, path in zip(files, paths, strict=True) if path is not None]
        if todo:
            results = embedder.embed([path for _, path in todo], stopped)
            for (file, path), result in zip(todo, results, strict=True):
                file.finish(result, path)
