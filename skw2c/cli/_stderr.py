"""Messages of the program on standard error."""

from __future__ import annotations

import sys
from contextlib import suppress

# Control characters in file names could move the cursor of a terminal or change its colours.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}


def print_message(message: str) -> None:
    """Print a message on standard error; ignore a closed stream."""
    if sys.stderr is not None:  # otherwise print would use standard output
        with suppress(OSError, ValueError):
            print(f"skw2c: {message.translate(_CONTROLS)}", file=sys.stderr)
