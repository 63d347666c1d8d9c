"""The clips of a library as the page shows them: numbers, names, folders and files."""

from __future__ import annotations

import os
from collections import Counter
from functools import cached_property

from ..search._listing import Clips
from ._problems import ProblemError
from ._relocation import Relocation
from ._text import as_text


class Items:
    """The clips of a library, by their numbers in it.

    Parameters
    ----------
    clips : Clips
        Names and files, as they were saved.
    relocation : Relocation
        Where files are now.
    """

    def __init__(self, clips: Clips, relocation: Relocation):
        self._clips, self._relocation = clips, relocation

    def __len__(self):
        return len(self._clips.items)

    @property
    def names(self) -> list:
        """Names of all clips as they were saved: strings or numbers."""
        return self._clips.items

    @property
    def counts(self) -> list[int]:
        """Number of vectors of each clip."""
        return self._clips.counts

    def describe(self, number: int) -> dict:
        """What the page shows of a clip, but for its duration."""
        has_file = self.has_file(number)
        return {
            "number": number,
            "name": os.path.basename(self.text(number)) or self.text(number),
            "folder": self.folder(number),
            "item": self.text(number),
            "duration": None,
            "has_file": has_file,
            "missing": has_file and self.is_missing(number),
        }

    def check(self, number: int) -> int:
        """Refuse a number that no clip has.

        Raises
        ------
        ProblemError
            If there is none.
        """
        if not 0 <= number < len(self):
            raise ProblemError(404, f"there is no sound {number}: the library has {len(self)}")
        return number

    def places(self) -> list[str]:
        """The files of all clips where they were indexed, or the names of what has none."""
        pairs = zip(self._clips.items, self._clips.sources, strict=True)
        return [as_text(name if source is None else source.path) for name, source in pairs]

    def text(self, number: int) -> str:
        """The whole name of a clip."""
        return as_text(self._clips.items[number])

    def folder(self, number: int) -> str:
        """The folder of a clip's file; empty where it has none."""
        return self._folders[number]

    def common_folder(self) -> str | None:
        """The folder that all files are in or below, if there is one."""
        folders = [folder for folder in set(self._folders) if folder]
        try:
            return os.path.commonpath(folders) if folders else None
        except ValueError:  # on several drives
            return None

    def has_file(self, number: int) -> bool:
        """Whether a clip came from a file, which may be missing now."""
        return self._clips.sources[number] is not None

    def is_missing(self, number: int) -> bool:
        """Whether the file of a clip is not there."""
        path = self.path(number)
        return path is None or not os.path.exists(path)

    def path(self, number: int) -> str | None:
        """The file of a clip, which may be missing; None where it has none, or none is found."""
        source = self._clips.sources[number]
        return None if source is None else self._relocation.find(source.path)

    def find(self, text: str = "", folder: str | None = None) -> list[int] | range:
        """Numbers of the clips whose names contain a text, in any case; perhaps in one folder."""
        numbers = range(len(self)) if folder is None else self.in_folder(folder)
        if not text:
            return numbers
        wanted = text.casefold()
        return [number for number in numbers if wanted in self._folded[number]]

    def in_folder(self, folder: str) -> list[int]:
        """Numbers of the clips in a folder, and in the folders below it."""
        below = folder.rstrip("/\\") + os.sep
        wanted = {own for own in set(self._folders) if own == folder or own.startswith(below)}
        return [number for number, own in enumerate(self._folders) if own in wanted]

    def count_folders(self) -> list[tuple[str, int]]:
        """Folders and how many clips are in each, most first."""
        return Counter(self._folders).most_common()

    def list_missing(self) -> list[int]:
        """Numbers of the clips whose files are not there."""
        files = (number for number in range(len(self)) if self.has_file(number))
        return [number for number in files if self.is_missing(number)]

    @cached_property
    def _folders(self) -> list[str]:
        paths = [None if source is None else source.path for source in self._clips.sources]
        return ["" if path is None else as_text(os.path.dirname(path)) for path in paths]

    @cached_property
    def _folded(self) -> list[str]:
        return [self.text(number).casefold() for number in range(len(self))]
