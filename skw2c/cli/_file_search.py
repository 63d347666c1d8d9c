"""Files that folders, patterns and names on the command line mean."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator

from ..system._extensions import MEDIA_EXTENSIONS, SOUND_EXTENSIONS, VIDEO_EXTENSIONS
from ._stderr import say

_SHOWN = 10


class Found(list):
    """Files, without those that could not be looked for.

    Attributes
    ----------
    unread : list of tuple (None, folder, cause)
        Folders that may not be read.
    """

    def __init__(self, files: list[str], unread: list[tuple]):
        super().__init__(files)
        self.unread = unread


def find_files(names: list[str], *, videos: bool = False, on_error: str = "raise") -> Found:
    """List the sound files in folders, those a pattern finds, and files as they are named.

    Folders are searched to any depth, also through links, for files with the suffix of a
    sound or video, or only of a video. What a dot hides is left out. A file that is reached
    in several ways is listed once. What is left out of folders is counted and said.

    Parameters
    ----------
    names : list of str
    videos : bool, default=False
        Whether only videos are meant.
    on_error : {"raise", "nan"}, default="raise"
        What becomes of folders that may not be read: an error, or `Found.unread`.

    Raises
    ------
    ValueError
        If a name means no file.
    OSError
        If a folder cannot be read.
    """
    search = _Search(VIDEO_EXTENSIONS if videos else SOUND_EXTENSIONS | MEDIA_EXTENSIONS)
    found: dict[str, str] = {}
    twice = 0
    for name in names:
        files = search.files_of(name)
        if search.unread and (on_error == "raise" or not (files or found)):
            raise PermissionError(_unread(*search.unread[0][1:]))
        if not files and not search.unread:
            raise ValueError(search.nothing_in(name, "mp4, mkv" if videos else "wav, flac"))
        for file in files:
            twice += found.setdefault(os.path.realpath(file), file) != file
    search.tell()
    if twice:
        say(f"{_count(twice)} reached by a second name too, and listed once")
    return Found(list(found.values()), search.unread)


class _Search:
    """Look for files, and note what is passed over.

    Parameters
    ----------
    suffixes : frozenset of str
        Of the files that are meant in folders.

    Attributes
    ----------
    unread : list of tuple (None, folder, cause)
    """

    def __init__(self, suffixes: frozenset[str]):
        self._suffixes = suffixes
        self._skipped: dict[str, str] = {}
        self.unread: list[tuple] = []

    def files_of(self, name: str) -> list[str]:
        """The files that a name means."""
        if os.path.isdir(name):
            return sorted(self._walk(name))
        if os.path.lexists(name):
            return [name]
        return sorted(self._matches(name))

    def tell(self) -> None:
        """Say what was passed over."""
        if self._skipped:
            say(f"{_count(len(self._skipped))} skipped: {self._kinds()}")

    def nothing_in(self, name: str, such_as: str) -> str:
        """Why a name means no file."""
        if os.path.isdir(name):
            passed = f"; it has {self._kinds()}" if self._skipped else ""
            return (
                f"the folder {name!r} holds no file with the suffix of a sound or video "
                f"({such_as} ...){passed}; name others one by one, or by a pattern"
            )
        if glob.has_magic(name):
            return f"no file fits the pattern {name!r}"
        return f"there is no file or folder {name!r}"

    def _kinds(self) -> str:
        kinds = Counter(self._skipped.values()).most_common()
        shown = [f"{number} {kind}" for kind, number in kinds[:_SHOWN]]
        if len(kinds) > _SHOWN:
            shown.append(f"{sum(number for _, number in kinds[_SHOWN:])} others")
        return ", ".join(shown)

    def _walk(self, top: str) -> Iterator[str]:
        visited, todo = set(), [top]
        while todo:
            folder = todo.pop()
            real = os.path.realpath(folder)
            if real in visited:
                continue
            visited.add(real)
            for entry in self._entries(folder):
                if entry.name.startswith("."):
                    self._skip(entry.path, "hidden")
                elif _is_folder(entry):
                    todo.append(entry.path)
                elif os.path.splitext(entry.name)[1].lower() in self._suffixes:
                    yield entry.path
                else:
                    self._pass_over(entry)

    def _entries(self, folder: str) -> list[os.DirEntry]:
        """What is in a folder, so that of two ways to a file always the same is gone."""
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name, reverse=True)
        except OSError as exc:
            self._note_unread(exc)
            return []

    def _note_unread(self, exc: OSError) -> None:
        self.unread.append((None, exc.filename, f"the folder cannot be read ({exc.strerror})"))

    def _pass_over(self, entry: os.DirEntry) -> None:
        self._skip(entry.path, os.path.splitext(entry.name)[1].lower() or "without suffix")
        if not os.path.exists(entry.path):
            # It may have led to a folder of sounds, on a disk that is not there today.
            say(f"warning: the link {entry.path!r} leads nowhere, and is skipped")

    def _skip(self, path: str, kind: str) -> None:
        self._skipped.setdefault(os.path.realpath(path), kind)

    def _matches(self, pattern: str) -> Iterator[str]:
        for spelling in _spellings(pattern):
            found = glob.glob(spelling, recursive=True)
            if found:
                break
        if "**" in pattern:  # glob passes over folders that may not be read
            top = _literal_folder(pattern) or os.curdir
            for _ in os.walk(top, onerror=self._note_unread):
                pass
        for path in found:
            if not os.path.isdir(path):
                yield path
            elif "**" not in pattern:
                self._skip(path, "folder that the pattern fits")


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _spellings(pattern: str) -> Iterator[str]:
    """A pattern with brackets as they may be meant: in names that are there, then as signs."""
    folder = _literal_folder(pattern)
    yield glob.escape(folder) + pattern[len(folder) :]
    yield pattern
    yield pattern.replace("[", "[[]")


def _literal_folder(pattern: str) -> str:
    """The longest beginning of a pattern that is the name of a folder."""
    folder = os.path.dirname(pattern)
    while folder and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def _unread(folder: str, cause: str) -> str:
    return f"{folder!r}: {cause}; to go on without it, pass --on-error nan"


def _count(number: int) -> str:
    return "1 file was" if number == 1 else f"{number} files were"
