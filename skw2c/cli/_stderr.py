"""What the shell is told on its error stream."""

from __future__ import annotations

import sys
from contextlib import suppress

# What would move the cursor or change colours of a terminal; names of files may hold it.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}


def say(message: str) -> None:
    """Print a message of the program; a stream that is closed is none of its troubles."""
    if sys.stderr is not None:  # print would take the output instead
        with suppress(OSError, ValueError):
            print(f"skw2c: {message.translate(_CONTROLS)}", file=sys.stderr)
