"""Progress bars on terminals and in notebooks; plain lines in files."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext, suppress

_SECONDS_BETWEEN_LINES = 30


class _NoBar:
    def update(self, n: int = 1) -> None:
        pass


class _Lines:
    """Print how far it is now and then, and at the end, where no bar can be drawn."""

    def __init__(
        self,
        total: int | None,
        unit: str,
        desc: str,
        initial: int,
        in_millions: bool,
        with_rate: bool,
    ):
        self._total = total
        self._unit = f"M{unit}" if in_millions else unit if total == 1 else f"{unit}s"
        self._divisor = 1_000_000 if in_millions else 1
        self._desc = desc
        self._done = self._initial = initial
        self._with_rate = with_rate
        self._began = self._told = time.monotonic()

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, kind, *exc_info) -> None:
        if kind is None:
            self._tell()

    def update(self, n: int = 1) -> None:
        """Count so many more."""
        self._done += n
        if self._done != self._total and time.monotonic() - self._told > _SECONDS_BETWEEN_LINES:
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        of_all = "" if self._total is None else f"/{self._total // self._divisor}"
        with suppress(OSError, ValueError):  # who reads it may have gone
            print(
                f"{self._desc}: {self._done // self._divisor}{of_all} {self._unit}{self._rate()}",
                file=sys.stderr,
                flush=True,
            )

    def _rate(self) -> str:
        seconds = self._told - self._began
        if not (self._with_rate and seconds):
            return ""
        return f", {(self._done - self._initial) / seconds:.1f} per second"


def progress_bar(
    total: int | None, *, unit: str, desc: str, verbose, with_rate: bool = False, **options
) -> AbstractContextManager:
    """Open a bar with a method ``update(n=1)``, which draws nothing where it cannot or must not.

    In a file a bar would leave thousands of copies of itself: there it is a line now and then,
    and one at the end.

    Parameters
    ----------
    total : int or None
        None is unknown.
    unit, desc : str
        What is counted, and what is done with it.
    verbose : bool or int
        Whether to draw.
    with_rate : bool, default=False
        Whether lines say how many there were per second, as bars always do.
    **options
        Of tqdm. What is not to be left at the end (``leave=False``) is not drawn in files.
    """
    if not verbose or sys.stderr is None:
        return nullcontext(_NoBar())
    try:
        from tqdm.auto import tqdm
    except ImportError:
        tqdm = None
    if tqdm is not None and (draws_bars() or _is_of_notebooks(tqdm)):
        return tqdm(total=total, unit=unit, desc=desc, **options)
    if draws_bars() or not options.get("leave", True):
        return nullcontext(_NoBar())
    in_millions = bool(options.get("unit_scale", False))
    return _Lines(total, unit, desc, options.get("initial", 0), in_millions, with_rate)


def draws_bars() -> bool:
    """Whether the error stream is a terminal."""
    with suppress(AttributeError, ValueError):  # there is none, or it is closed
        return sys.stderr.isatty()
    return False


def _is_of_notebooks(tqdm: type) -> bool:
    return any(kind.__module__ == "tqdm.notebook" for kind in tqdm.__mro__)
