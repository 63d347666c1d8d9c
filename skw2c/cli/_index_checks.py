"""What `skw2c index` refuses: options that would do nothing, and folders without the sounds."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ._stderr import print_message

_WITHOUT_FILES = ("help", "index", "paths", "vectors", "verify", "compact", "root", "quiet")
_WHY = {
    "dry_run": "it tells what would become of the files that are named",
    "update": "it brings the index up to date with the files that are named",
    "keep_missing": "files are only missing where others are named",
}
_MOST = 1000  # files to look for: each may be a question to a slow network


def refuse_without_files(options: Namespace) -> None:
    """Refuse options that do nothing where no files are named.

    Raises
    ------
    ValueError
        If one was given.
    """
    for name, option in _given(options.command, options):
        if name not in _WITHOUT_FILES:
            why = _WHY.get(name, "it is for sounds that are embedded")
            raise ValueError(
                f"{option} does nothing without PATH, since {why}: name the files or folders, or "
                f"leave {option} out"
            )


def check_root(index, options: Namespace) -> None:
    """Refuse a folder in which none of the files is; tell if only some are.

    Parameters
    ----------
    index : AudioIndex
        As it was loaded with that root.
    options : Namespace

    Raises
    ------
    ValueError
        If none is.
    """
    if not options.root:
        return
    below = os.path.join(os.path.realpath(os.path.expanduser(options.root)), "")
    files = [source.path for source in index._content.sources if source is not None]
    files = _spread([file for file in files if file.startswith(below)])
    missing = [file for file in files if not _is_there(file)]
    if not files and not (options.paths or options.vectors):
        raise ValueError(
            f"--root {options.root!r} moves nothing: the index {options.index!r} has no files in "
            "a folder that it knows. Name the files or folders, and it finds what moved"
        )
    if files and len(missing) == len(files):
        raise ValueError(
            f"--root {options.root!r} is not where the sounds of {options.index!r} are: of its "
            f"files, {_count(len(files))} looked for there, and none found, such as "
            f"{missing[0]!r}. Name the folder that holds them now"
        )
    if missing:
        print_message(
            f"warning: of the files of {options.index}, {_count(len(files))} looked for in "
            f"{options.root}, and {len(missing)} not found, such as {missing[0]}"
        )


def check_mode(index, options: Namespace) -> None:
    """Refuse another mode than that of the index.

    Raises
    ------
    ValueError
        If it is another one.
    """
    if index.mode != options.mode:
        raise ValueError(
            f"the index {options.index!r} was built with --mode {index.mode}: pass that mode, or "
            "build a new index"
        )


def _given(command: ArgumentParser, options: Namespace) -> list[tuple[str, str]]:
    """Name and option of what was given, and is not as if it had not been."""
    return [
        (action.dest, max(action.option_strings, key=len, default=action.dest))
        for action in command._actions
        if getattr(options, action.dest, action.default) != action.default
    ]


def _spread(files: list[str]) -> list[str]:
    """Some of the files, spread over all of them."""
    step = max(len(files) / _MOST, 1)
    return [files[int(place * step)] for place in range(min(len(files), _MOST))]


def _is_there(file: str) -> bool:
    """Whether a file is there, or the archive that it is in."""
    return os.path.exists(file) or any(folder.is_file() for folder in Path(file).parents)


def _count(number: int) -> str:
    return "1 was" if number == 1 else f"{number:,} were"
