"""Find the files for the folders, patterns and names on the command line."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator

from ..system._extensions import MEDIA_EXTENSIONS, SOUND_EXTENSIONS, VIDEO_EXTENSIONS
from ._stderr import print_message

_SHOWN = 10


class Found(list):
    """A list of files, and the folders that could not be searched.

    Attributes
    ----------
    unread : list of tuple (None, folder, cause)
        Folders that cannot be read.
    """

    def __init__(self, files: list[str], unread: list[tuple]):
        super().__init__(files)
        self.unread = unread


def find_files(names: list[str], *, videos: bool = False, on_error: str = "raise") -> Found:
    """List the sound files in folders, those that match a pattern, and single files.

    Folders are searched recursively, also through links, for files with the suffix of a sound or
    video, or only of a video. Hidden files and folders are left out. A file that is found in
    several ways is listed once. The files that are skipped in folders are counted and reported.

    Parameters
    ----------
    names : list of str
    videos : bool, default=False
        Whether to look only for videos.
    on_error : {"raise", "nan"}, default="raise"
        Whether a folder that cannot be read is an error, or is noted in `Found.unread`.

    Raises
    ------
    ValueError
        If there are no files for a name.
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
    search.report()
    if twice:
        print_message(f"{_count(twice)} found under a second name too, and listed once")
    return Found(list(found.values()), search.unread)


class _Search:
    """Search for files, and note which ones are skipped.

    Parameters
    ----------
    suffixes : frozenset of str
        Suffixes of the files to find in folders.

    Attributes
    ----------
    unread : list of tuple (None, folder, cause)
    """

    def __init__(self, suffixes: frozenset[str]):
        self._suffixes = suffixes
        self._skipped: dict[str, str] = {}
        self.unread: list[tuple] = []

    def files_of(self, name: str) -> list[str]:
        """List the files for a name."""
        if os.path.isdir(name):
            return sorted(self._walk(name))
        if os.path.lexists(name):
            return [name]
        return sorted(self._matches(name))

    def report(self) -> None:
        """Print how many files were skipped."""
        if self._skipped:
            print_message(f"{_count(len(self._skipped))} skipped: {self._kinds()}")

    def nothing_in(self, name: str, such_as: str) -> str:
        """Explain why there are no files for a name."""
        if os.path.isdir(name):
            passed = f"; it has {self._kinds()}" if self._skipped else ""
            return (
                f"the folder {name!r} does not contain files with the suffix of a sound or video "
                f"({such_as} ...){passed}; give other files one by one, or by a pattern"
            )
        if glob.has_magic(name):
            return f"no files match the pattern {name!r}"
        return f"the file or folder {name!r} does not exist"

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
                    self._skip_unknown(entry)

    def _entries(self, folder: str) -> list[os.DirEntry]:
        """The content of a folder, sorted: of two ways to a file, the same is always taken."""
        try:
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda entry: entry.name, reverse=True)
        except OSError as exc:
            self._note_unread(exc)
            return []

    def _note_unread(self, exc: OSError) -> None:
        self.unread.append((None, exc.filename, f"the folder cannot be read ({exc.strerror})"))

    def _skip_unknown(self, entry: os.DirEntry) -> None:
        self._skip(entry.path, os.path.splitext(entry.name)[1].lower() or "without suffix")
        if not os.path.exists(entry.path):
            # It may point to a folder of sounds, on a disk that is not mounted at the moment.
            print_message(f"warning: the link {entry.path!r} is broken, and is skipped")

    def _skip(self, path: str, kind: str) -> None:
        self._skipped.setdefault(os.path.realpath(path), kind)

    def _matches(self, pattern: str) -> Iterator[str]:
        for spelling in _spellings(pattern):
            found = glob.glob(spelling, recursive=True)
            if found:
                break
        if "**" in pattern:  # glob silently ignores folders that cannot be read
            top = _literal_folder(pattern) or os.curdir
            for _ in os.walk(top, onerror=self._note_unread):
                pass
        for path in found:
            if not os.path.isdir(path):
                yield path
            elif "**" not in pattern:
                self._skip(path, "folder that matches the pattern")


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _spellings(pattern: str) -> Iterator[str]:
    """The ways to read brackets in a pattern: in the name of a folder, as a set, literally."""
    folder = _literal_folder(pattern)
    yield glob.escape(folder) + pattern[len(folder) :]
    yield pattern
    yield pattern.replace("[", "[[]")


def _literal_folder(pattern: str) -> str:
    """The longest prefix of a pattern that is an existing folder."""
    folder = os.path.dirname(pattern)
    while folder and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def _unread(folder: str, cause: str) -> str:
    return f"{folder!r}: {cause}; to go on without it, pass --on-error nan"


def _count(number: int) -> str:
    return "1 file was" if number == 1 else f"{number} files were"
