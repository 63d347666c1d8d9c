"""Stay off the network: where an answer is waited for, nothing may begin to be downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_IS_OFFLINE: ContextVar[bool] = ContextVar("skw2c_is_offline", default=False)


@contextmanager
def offline() -> Iterator[None]:
    """Let nothing be fetched in the block, in this thread; what is in a cache is used."""
    before = _IS_OFFLINE.set(True)
    try:
        yield
    finally:
        _IS_OFFLINE.reset(before)


def check_online() -> None:
    """Refuse to fetch a file where nothing may be fetched.

    Raises
    ------
    OSError
        In a block of `offline`.
    """
    if _IS_OFFLINE.get():
        raise OSError("nothing is fetched while the listening page is open")
