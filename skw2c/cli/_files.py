"""Files that folders, patterns and names on the command line mean."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator

_SOUNDS = "wav wave bwf flac ogg oga opus mp2 mp3 aif aiff aifc au snd caf w64 rf64 wv ape amr"
_VIDEOS = "mp4 m4v mov mkv webm avi mpg mpeg ts mts m2ts wmv 3gp"
_MEDIA = f"m4a aac wma mka {_VIDEOS}"


def find_files(names: list[str], *, videos: bool = False) -> list[str]:
    """List the sound files in folders, those a pattern finds, and files as they are named.

    Folders are searched to any depth, also through links, for files with the suffix of a
    sound or video, or only of a video. What a dot hides is left out. A file that is reached
    in several ways is listed once.

    Raises
    ------
    ValueError
        If a name means no file.
    OSError
        If a folder cannot be read.
    """
    suffixes = _VIDEOS if videos else f"{_SOUNDS} {_MEDIA}"
    found: dict[str, str] = {}
    for name in names:
        files = _files_of(name, {f".{suffix}" for suffix in suffixes.split()})
        if not files:
            raise ValueError(_nothing(name, suffixes))
        for file in files:
            found.setdefault(os.path.realpath(file), file)
    return list(found.values())


def _files_of(name: str, suffixes: set[str]) -> list[str]:
    if os.path.isdir(name):
        return sorted(_walk(name, suffixes, set()))
    if os.path.exists(name):
        return [name]
    return sorted(file for file in glob.glob(name, recursive=True) if os.path.isfile(file))


def _walk(folder: str, suffixes: set[str], visited: set[str]) -> Iterator[str]:
    real = os.path.realpath(folder)
    if real in visited:
        return
    visited.add(real)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _walk(entry.path, suffixes, visited)
            elif os.path.splitext(entry.name)[1].lower() in suffixes:
                yield entry.path


def _nothing(name: str, suffixes: str) -> str:
    if os.path.isdir(name):
        return (
            f"the folder {name!r} holds no file with the suffix of a sound or video "
            f"({suffixes}); name others one by one, or by a pattern"
        )
    if glob.has_magic(name):
        return f"no file fits the pattern {name!r}"
    return f"there is no file or folder {name!r}"
