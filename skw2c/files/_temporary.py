"""Temporary files of this process; those of killed ones are removed."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import uuid
from contextlib import ExitStack, suppress

from ..system._locks import LockedError, hold_lock

_PREFIX = "skw2c-remote-"
_LOCK = "lock"
_guard = threading.Lock()
_folders: dict[int, str] = {}
_held: dict[int, ExitStack] = {}


def new_place(suffix: str) -> str:
    """The path of a file that does not exist yet, in a folder of this process."""
    with _guard:
        folder = _folders.get(os.getpid())
        if folder is None or not os.path.isdir(folder):
            folder = _folders[os.getpid()] = _make_folder()
    return os.path.join(folder, uuid.uuid4().hex + suffix)


def _make_folder() -> str:
    """Make a folder and hold its lock as long as this process lives."""
    _sweep()
    while True:
        folder = tempfile.mkdtemp(prefix=_PREFIX)
        stack = ExitStack()
        try:
            stack.enter_context(hold_lock(os.path.join(folder, _LOCK), "taken for a leftover"))
        except (LockedError, FileNotFoundError):  # another process is sweeping
            continue
        _held[os.getpid()] = stack
        atexit.register(_remove_own, os.getpid(), folder)
        return folder


def _sweep() -> None:
    """Remove the folders whose processes are gone."""
    home = tempfile.gettempdir()
    for name in os.listdir(home):
        folder = os.path.join(home, name)
        if name.startswith(_PREFIX) and os.path.isdir(folder):
            with suppress(OSError), hold_lock(os.path.join(folder, _LOCK), "in use"):
                shutil.rmtree(folder, ignore_errors=True)


def _remove_own(process: int, folder: str) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _renew_guard() -> None:
    """Take a new lock in a forked process: of the former one, the holder may be gone."""
    global _guard
    _guard = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_guard)
