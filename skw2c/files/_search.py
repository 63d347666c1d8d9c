"""The sounds that a name stands for: a folder, a pattern, an archive, an address, a file."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from ._address import is_archive, is_remote, suffix_of
from ._listing import list_files
from ._stamp import Stamp

_SHOWN = 10


class Found(list):
    """A list of files, and what is known from listing them.

    Attributes
    ----------
    unread : list of tuple (None, folder, cause)
        Folders that cannot be read.
    stamps : dict of str to Stamp
        Of the files elsewhere that were listed.
    """

    def __init__(self, files: list[str], unread: Sequence[tuple] = (), stamps: dict | None = None):
        super().__init__(files)
        self.unread = list(unread)
        self.stamps: dict[str, Stamp] = stamps or {}


class FileSearch:
    """Search for files, and note which ones are skipped.

    Parameters
    ----------
    suffixes : collection of str
        Suffixes of the files to find in folders and archives.

    Attributes
    ----------
    unread : list of tuple (None, folder, cause)
        Folders that cannot be read.
    stamps : dict of str to Stamp
        What is known of files elsewhere.
    broken_links : list of str
        Links in folders that lead nowhere.
    """

    def __init__(self, suffixes: Collection[str]):
        self._suffixes = suffixes
        self._skipped: dict[str, str] = {}
        self.unread: list[tuple] = []
        self.stamps: dict[str, Stamp] = {}
        self.broken_links: list[str] = []

    def files_of(self, name: str) -> list[str]:
        """List the files for a name.

        Raises
        ------
        RemoteError
            If an address or an archive cannot be listed.
        """
        if os.path.isdir(name):
            return sorted(self._walk(name))
        if is_remote(name) or (is_archive(name) and os.path.isfile(name)):
            return self._list_elsewhere(name)
        if os.path.lexists(name):
            return [name]
        return sorted(self._matches(name))

    def identity_of(self, file: str) -> str:
        """What is the same for two names of a file."""
        return file if file in self.stamps else os.path.realpath(file)

    @property
    def n_skipped(self) -> int:
        """How many files in folders were skipped."""
        return len(self._skipped)

    @property
    def kinds_skipped(self) -> str:
        """Which kinds of files were skipped, and how many of each."""
        kinds = Counter(self._skipped.values()).most_common()
        shown = [f"{number} {kind}" for kind, number in kinds[:_SHOWN]]
        if len(kinds) > _SHOWN:
            shown.append(f"{sum(number for _, number in kinds[_SHOWN:])} others")
        return ", ".join(shown)

    def nothing_in(self, name: str, such_as: str) -> str:
        """Explain why there are no files for a name."""
        is_elsewhere = is_remote(name) or is_archive(name)
        if os.path.isdir(name) or (is_elsewhere and not glob.has_magic(name)):
            kind = "address or archive" if is_elsewhere else "folder"
            passed = f"; it has {self.kinds_skipped}" if self._skipped else ""
            return (
                f"the {kind} {name!r} does not contain files with the suffix of a sound or video "
                f"({such_as} ...){passed}; give other files one by one, or by a pattern"
            )
        if glob.has_magic(name):
            return f"no files match the pattern {name!r}"
        return f"the file or folder {name!r} does not exist"

    def _list_elsewhere(self, name: str) -> list[str]:
        files, skipped = list_files(name, self._suffixes)
        self.stamps.update(files)
        for other in skipped:
            self._skipped[other] = suffix_of(other) or "without suffix"
        return list(files)

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
            self.broken_links.append(entry.path)

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
