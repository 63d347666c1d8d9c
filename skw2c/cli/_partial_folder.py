"""A folder for the finished part of a long run, locked so that there is one run at a time."""

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
from ._stderr import print_message

_MARK = "made-by-skw2c"
_LOCK = "lock"
_TRIES = 100


@contextmanager
def resumable(output: str) -> Iterator[str]:
    """Provide a folder next to the output for finished vectors; remove it after success.

    While the block runs, no other run can use it, whatever the command. It still contains what an
    earlier run left in it that failed or was killed.

    Raises
    ------
    FileExistsError
        If a file or folder of that name exists that does not belong to an interrupted run, or
        if another run is writing the same output.
    """
    output = os.path.normpath(output)
    if os.path.islink(output):
        output = os.path.realpath(output)  # the same folder for all names of an output
    folder = f"{output}.partial"
    with ExitStack() as held:
        _take(folder, output, held)
        if _is_begun(folder):
            print_message(f"resuming an interrupted run, whose vectors are in {folder}")
        try:
            yield folder
        except BaseException as exc:
            if not _is_begun(folder):
                _remove(folder, held)
            elif isinstance(exc, KeyboardInterrupt):
                print_message(
                    f"finished vectors are kept in {folder}; to resume, give the same command again"
                )
            raise
        _remove(folder, held)


def _take(folder: str, output: str, held: ExitStack) -> None:
    """Make the folder or find it, and acquire its lock."""
    another = (
        f"another run of skw2c is writing {output!r}: wait until it has finished, or choose "
        "another output"
    )
    for _ in range(_TRIES):
        with ExitStack() as lock, suppress(FileNotFoundError):
            _make(folder)
            mark = _read_mark(folder)
            lock.enter_context(hold_lock(os.path.join(folder, _LOCK), another))
            # The former run may have finished meanwhile, and removed its folder: then the lock that
            # was acquired is that of another folder.
            if _read_mark(folder) == mark:
                held.push(lock.pop_all())
                return
    raise OSError(f"the folder {folder!r} cannot be created: it is removed again and again")


def _make(folder: str) -> None:
    """Make the folder with its mark in it, unless it exists."""
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:
        if stat.S_ISDIR(os.lstat(folder).st_mode):
            raise FileNotFoundError(folder) from None  # another run removed and made it
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
        f"{folder!r} exists but does not belong to an interrupted run, although finished vectors "
        "would be kept under this name: rename it, or choose another output"
    )


def _is_ours(folder: str) -> bool:
    """Whether a folder has our mark or is empty; other runs may remove and make it meanwhile."""
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
    """Whether there are files in it, or in its folders: those are made before there is work."""
    return any({*files} - {_MARK, _LOCK} for _, _, files in os.walk(folder))


def _remove(folder: str, held: ExitStack) -> None:
    """Remove the folder in one step, and what killed runs left of former removals."""
    try:
        os.rename(folder, _name_for_removal(folder))
    except OSError:  # Windows does not rename folders that contain open files
        held.close()
        shutil.rmtree(folder, ignore_errors=True)
    held.close()
    home, name = os.path.split(folder)
    for leftover in glob.glob(os.path.join(glob.escape(home), f".{'?' * 32}.{glob.escape(name)}")):
        shutil.rmtree(leftover, ignore_errors=True)


def _name_for_removal(folder: str) -> str:
    home, name = os.path.split(folder)
    return os.path.join(home, f".{uuid.uuid4().hex}.{name}")
