"""What is ready of a long run, kept until the run is done; and one run at a time."""

from __future__ import annotations

import glob
import os
import shutil
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from ..system._locks import hold_lock
from ._stderr import say

_MARK = "made-by-skw2c"
_LOCK = "lock"
_TRIES = 100


@contextmanager
def resumable(output: str) -> Iterator[str]:
    """A folder beside the output for vectors that are ready, removed when the block ends well.

    While the block runs no other run has it, whatever the command. What a run that failed or
    was killed left in it is there again.

    Raises
    ------
    FileExistsError
        If there is something of that name that is not of an interrupted run, or if another run
        is writing the same output.
    """
    output = os.path.normpath(output)
    if os.path.islink(output):
        output = os.path.realpath(output)  # by whichever name it is written to
    folder = f"{output}.partial"
    with ExitStack() as held:
        _take(folder, output, held)
        if _is_begun(folder):
            say(f"going on with an interrupted run, kept in {folder}")
        try:
            yield folder
        except BaseException as exc:
            if not _is_begun(folder):
                _remove(folder, held)
            elif isinstance(exc, KeyboardInterrupt):
                say(f"what is ready is kept in {folder}; run the same command again to go on")
            raise
        _remove(folder, held)


def _take(folder: str, output: str, held: ExitStack) -> None:
    """Make the folder or find it, and hold its lock."""
    another = (
        f"another run of skw2c is writing {output!r}: wait until it has ended, or name another "
        "output"
    )
    for _ in range(_TRIES):
        with ExitStack() as lock, suppress(FileNotFoundError):
            _make(folder)
            mark = _read_mark(folder)
            lock.enter_context(hold_lock(os.path.join(folder, _LOCK), another))
            # The run before may have ended, and removed its folder, since it was looked at.
            if _read_mark(folder) == mark:
                held.push(lock.pop_all())
                return
    raise OSError(f"the folder {folder!r} cannot be made: it is removed again and again")


def _make(folder: str) -> None:
    """Make the folder with its mark in it, unless it is there."""
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:
        if stat.S_ISDIR(os.lstat(folder).st_mode):
            raise FileNotFoundError(folder) from None  # another has removed and made it
        raise FileExistsError(_not_ours(folder)) from None
    if not _is_ours(folder):
        raise FileExistsError(_not_ours(folder))
    with (
        suppress(FileExistsError),
        open(os.path.join(folder, _MARK), "x", encoding="utf-8") as file,
    ):
        file.write("The vectors of an interrupted run of skw2c. Delete this folder at will.\n")
        file.write(f"Run {uuid.uuid4().hex}\n")


def _not_ours(folder: str) -> str:
    return (
        f"{folder!r} exists and is not of an interrupted run, whose vectors would be kept under "
        "this name: rename it, or choose another output"
    )


def _is_ours(folder: str) -> bool:
    """Whether a folder has our mark, or nothing; others may remove and make it meanwhile."""
    for _ in range(_TRIES):
        content = {*os.listdir(folder)}
        if _MARK in content or content <= {_LOCK}:
            return True
        time.sleep(0.001)
    return False


def _read_mark(folder: str) -> str:
    with open(os.path.join(folder, _MARK), encoding="utf-8") as file:
        return file.read()


def _is_begun(folder: str) -> bool:
    return bool({*os.listdir(folder)} - {_MARK, _LOCK})


def _remove(folder: str, held: ExitStack) -> None:
    """Remove the folder, at once for others, and what runs that were killed so left of it."""
    try:
        os.rename(folder, _aside(folder))
    except OSError:  # Windows renames nothing in which a file is open
        held.close()
        shutil.rmtree(folder, ignore_errors=True)
    held.close()
    home, name = os.path.split(folder)
    for aside in glob.glob(os.path.join(glob.escape(home), f".{'?' * 32}.{glob.escape(name)}")):
        shutil.rmtree(aside, ignore_errors=True)


def _aside(folder: str) -> str:
    home, name = os.path.split(folder)
    return os.path.join(home, f".{uuid.uuid4().hex}.{name}")
