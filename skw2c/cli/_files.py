"""Files that folders, patterns and names on the command line mean."""

from __future__ import annotations

import glob
import os

_SOUNDS = "wav flac ogg oga opus mp3 aif aiff aifc au snd caf w64 rf64 m4a aac wma mka"
_VIDEOS = "mp4 m4v mov mkv webm avi mpg mpeg ts 3gp"
_SUFFIXES = frozenset(f".{name}" for name in f"{_SOUNDS} {_VIDEOS}".split())


def find_files(names: list[str]) -> list[str]:
    """List the sound files in folders, those a pattern finds, and files as they are named.

    Folders are searched to any depth for files with the suffix of a sound or video.

    Raises
    ------
    ValueError
        If a name means no file.
    """
    found: dict[str, None] = {}
    for name in names:
        files = _files_of(name)
        if not files:
            raise ValueError(_nothing(name))
        found.update(dict.fromkeys(files))
    return list(found)


def _files_of(name: str) -> list[str]:
    if os.path.isdir(name):
        return sorted(
            os.path.join(folder, file)
            for folder, _, files in os.walk(name)
            for file in files
            if _is_sound(file)
        )
    if os.path.exists(name):
        return [name]
    return sorted(file for file in glob.glob(name, recursive=True) if os.path.isfile(file))


def _is_sound(file: str) -> bool:
    return os.path.splitext(file)[1].lower() in _SUFFIXES and not file.startswith("._")


def _nothing(name: str) -> str:
    if os.path.isdir(name):
        return (
            f"the folder {name!r} holds no file with the suffix of a sound or video "
            f"({_SOUNDS} {_VIDEOS}); name others one by one, or by a pattern"
        )
    if glob.has_magic(name):
        return f"no file fits the pattern {name!r}"
    return f"there is no file or folder {name!r}"
