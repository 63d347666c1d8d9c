"""Interruption by Ctrl-C and similar signals, also while packages are being imported."""

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


class InterruptHandler:
    """A signal handler that raises `KeyboardInterrupt`, and remembers the signal.

    Attributes
    ----------
    number : int or None
        The signal that was received.
    """

    def __init__(self):
        self.number: int | None = None

    @property
    def status(self) -> int:
        """The exit status, as a shell sets it for a process ended by this signal."""
        return 128 + (self.number or signal.SIGINT)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        signal.signal(number, signal.SIG_DFL)  # a second signal ends the process at once
        if _is_importing(frame):
            # Some compiled modules crash if an exception interrupts their import.
            with suppress(OSError):
                os.write(2, b"skw2c: error: interrupted\n")
            os._exit(self.status)
        raise KeyboardInterrupt

    def _handle_unraisable(self, unraisable) -> None:
        """Interrupt again if Python could not propagate the interruption, as in a destructor."""
        if self.number is None or unraisable.exc_type is not KeyboardInterrupt:
            sys.__unraisablehook__(unraisable)
            return
        signal.signal(self.number, self)
        again = threading.Timer(_SECONDS_UNTIL_AGAIN, self._interrupt_again, [self.number])
        again.daemon = True
        again.start()

    def _interrupt_again(self, number: int) -> None:
        main = threading.main_thread().ident
        if signal.getsignal(number) != self:
            return
        if main is not None and hasattr(signal, "pthread_kill"):
            # The signal itself, since a flag alone would not wake the main thread while it waits.
            signal.pthread_kill(main, number)
        else:
            _thread.interrupt_main(signal.Signals(number))


@contextmanager
def interruptible(*, until_exit: bool) -> Iterator[InterruptHandler]:
    """Handle interrupting signals in the block, unless others handle them already.

    Parameters
    ----------
    until_exit : bool
        Whether the process ends after the block, so that handlers need not be restored.
    """
    handler = InterruptHandler()
    if threading.current_thread() is not threading.main_thread():
        yield handler
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    before = {number: usual for number, usual in before.items() if usual in _USUAL}
    hook = sys.unraisablehook
    for number in before:
        signal.signal(number, handler)
    sys.unraisablehook = handler._handle_unraisable
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
