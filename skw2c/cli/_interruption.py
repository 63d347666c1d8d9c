"""Ctrl-C and its kin, also while packages are imported that know nothing of them."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_SECONDS_UNTIL_AGAIN = 0.05
_USUAL = (signal.SIG_DFL, signal.default_int_handler)


class Stopping:
    """A handler that raises `KeyboardInterrupt`, and knows afterwards that it has.

    Attributes
    ----------
    number : int or None
        The signal that came.
    """

    def __init__(self):
        self.number: int | None = None

    @property
    def status(self) -> int:
        """The exit status, as the shell itself would set it."""
        return 128 + (self.number or signal.SIGINT)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        signal.signal(number, signal.SIG_DFL)  # the second time ends it at once
        if _is_importing(frame):
            # Not all compiled modules can be left half way by an exception.
            with suppress(OSError):
                os.write(2, b"skw2c: error: interrupted\n")
            os._exit(self.status)
        raise KeyboardInterrupt

    def _look_at_unraisable(self, unraisable) -> None:
        """Interrupt again where Python itself cannot let an interruption through."""
        if self.number is None or unraisable.exc_type is not KeyboardInterrupt:
            sys.__unraisablehook__(unraisable)
            return
        signal.signal(self.number, self)
        again = threading.Timer(_SECONDS_UNTIL_AGAIN, self._interrupt_again)
        again.daemon = True
        again.start()

    def _interrupt_again(self) -> None:
        if signal.getsignal(self.number) == self:
            _thread.interrupt_main(self.number)


@contextmanager
def stopping(*, until_exit: bool) -> Iterator[Stopping]:
    """Handle signals in the block that nobody else handles.

    Parameters
    ----------
    until_exit : bool
        Whether the process ends after the block, so that all stays as it is.
    """
    handler = Stopping()
    if threading.current_thread() is not threading.main_thread():
        yield handler
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    before = {number: usual for number, usual in before.items() if usual in _USUAL}
    hook = sys.unraisablehook
    for number in before:
        signal.signal(number, handler)
    sys.unraisablehook = handler._look_at_unraisable
    try:
        yield handler
    finally:
        if until_exit:
            for number in before:
                signal.signal(number, signal.SIG_DFL)
        else:
            for number, usual in before.items():
                signal.signal(number, usual)
            sys.unraisablehook = hook


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
