"""Refuse what is not a file before anything opens it: a pipe that nobody fills waits for ever."""

from __future__ import annotations

import os
import stat


def refuse_device(path: str | os.PathLike | int, error: type[Exception]) -> None:
    """Refuse a device, a pipe or a socket; what is missing, or a folder, is reported elsewhere.

    Parameters
    ----------
    path : str, os.PathLike or int
        What is about to be opened, links are followed; or the number of an open file.
    error : type
        What is raised.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    refuse_mode(mode, error)


def refuse_mode(mode: int, error: type[Exception]) -> None:
    """Refuse a device, a pipe or a socket by its mode, as `os.stat` gives it."""
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise error(
            "it is not a regular file, but a device, a pipe or a socket; save what it gives as a "
            "file first"
        )
