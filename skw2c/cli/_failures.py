"""What the shell is told of clips that failed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ..exceptions import FailedRowWarning

SOME_FAILED = 3


@contextmanager
def listed_failures() -> Iterator[list[tuple]]:
    """Collect the clips that fail in the block, and list them on the error stream at its end."""
    failures: list[tuple] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield failures
    for message in (warning.message for warning in caught):
        if isinstance(message, FailedRowWarning):
            failures += message.failures
        else:
            print(f"skw2c: warning: {message}", file=sys.stderr)
    for _, file, cause in failures:
        print(f"skw2c: {file}: {cause}", file=sys.stderr)
    if failures:
        print(f"skw2c: {len(failures)} clips failed", file=sys.stderr)
