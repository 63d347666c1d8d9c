"""What is ready of a long run, kept until the run is done."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_MARK = "made-by-skw2c"


@contextmanager
def resumable(output: str) -> Iterator[str]:
    """A folder beside the output for vectors that are ready, removed when the block ends well.

    Raises
    ------
    FileExistsError
        If there is something of that name that is not of an interrupted run.
    """
    folder = f"{os.path.normpath(output)}.partial"
    mark = os.path.join(folder, _MARK)
    if os.path.isfile(mark):
        _say(f"going on with an interrupted run, kept in {folder}")
    elif os.path.lexists(folder):
        raise FileExistsError(
            f"{folder!r} exists and is not of an interrupted run, whose vectors would be kept "
            "under this name: rename it, or choose another output"
        )
    else:
        os.makedirs(folder)
        with open(mark, "w", encoding="utf-8") as file:
            file.write("The vectors of an interrupted run of skw2c. Delete this folder at will.\n")
    try:
        yield folder
    except KeyboardInterrupt:
        _say(f"what is ready is kept in {folder}; run the same command again to go on")
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _say(message: str) -> None:
    print(f"skw2c: {message}", file=sys.stderr)
