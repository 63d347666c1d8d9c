"""What the shell is told of clips that failed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ..exceptions import FailedRowWarning
from ._option_names import in_options
from ._stderr import say

SOME_FAILED = 3


@contextmanager
def listed_failures(unread: list[tuple] = ()) -> Iterator[list[tuple]]:
    """Collect the clips that fail in the block, and list them on the error stream at its end.

    Parameters
    ----------
    unread : list of tuple (None, folder, cause), default=()
        What failed before.
    """
    failures = list(unread)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield failures
    finally:
        _tell(caught, failures)


def _tell(caught: list[warnings.WarningMessage], failures: list[tuple]) -> None:
    for message in (warning.message for warning in caught):
        if isinstance(message, FailedRowWarning):
            failures += message.failures
        else:
            say(f"warning: {in_options(str(message))}")
    for _, file, cause in failures:
        say(f"{file}: {in_options(cause)}")
    if failures:
        say(f"{len(failures)} clips failed")
