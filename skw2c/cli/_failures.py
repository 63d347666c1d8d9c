"""Lists of the clips that failed, on standard error."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..exceptions import FailedRowWarning
from ._option_names import name_options
from ._stderr import print_message

SOME_FAILED = 3


@contextmanager
def listed_failures(unread: Sequence[tuple] = ()) -> Iterator[list[tuple]]:
    """Collect the clips that fail in the block, and list them on standard error at its end.

    Parameters
    ----------
    unread : list of tuple (None, folder, cause), default=()
        Folders that could not be searched before.
    """
    failures = list(unread)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield failures
    finally:
        _report(caught, failures)


def _report(caught: list[warnings.WarningMessage], failures: list[tuple]) -> None:
    for message in (warning.message for warning in caught):
        if isinstance(message, FailedRowWarning):
            failures += message.failures
        else:
            print_message(f"warning: {name_options(str(message))}")
    for _, file, cause in failures:
        print_message(f"{file}: {name_options(cause)}")
    if failures:
        print_message("1 clip failed" if len(failures) == 1 else f"{len(failures)} clips failed")
