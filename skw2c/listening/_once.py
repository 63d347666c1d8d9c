"""Results of slow functions, each computed once however many ask for it at the same time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future


class Once:
    """Keep what was computed last, and let those who ask meanwhile wait for one computation.

    Parameters
    ----------
    most : int
        How many results are kept.
    """

    def __init__(self, most: int):
        self._most = most
        self._lock = threading.Lock()
        self._futures: OrderedDict[Hashable, Future] = OrderedDict()

    def get(self, key: Hashable, compute: Callable):
        """The result for a key, computed where it is not kept; errors are not kept."""
        with self._lock:
            kept = self._futures.get(key)
            future = self._futures[key] = Future() if kept is None else kept
            self._futures.move_to_end(key)
            while len(self._futures) > self._most:
                self._futures.popitem(last=False)
        if kept is None:
            self._compute(key, future, compute)
        return future.result()

    def known(self, key: Hashable):
        """The result for a key if it is kept, else None; nothing is computed."""
        with self._lock:
            future = self._futures.get(key)
        return future.result() if future is not None and _has_result(future) else None

    def forget(self, key: Hashable) -> None:
        """Compute the result for a key again, the next time."""
        with self._lock:
            self._futures.pop(key, None)

    def _compute(self, key: Hashable, future: Future, compute: Callable) -> None:
        try:
            future.set_result(compute())
        except BaseException as exc:
            future.set_exception(exc)
            with self._lock:
                if self._futures.get(key) is future:
                    del self._futures[key]


def _has_result(future: Future) -> bool:
    return future.done() and future.exception() is None
