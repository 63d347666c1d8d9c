"""Work in threads that prefetch: never far in advance."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from functools import cache
from itertools import islice

from threadpoolctl import ThreadpoolController

_END = object()


def prefetch_map(
    function: Callable,
    items: Iterable,
    n_threads: int,
    *,
    inner_threads: int,
    stop: Callable[[], None] = lambda: None,
) -> Generator:
    """Yield ``function(item)`` in the order of ``items``, computed in threads in advance.

    At most two results per thread wait to be taken, so that a slow reader does not fill
    the memory.

    Parameters
    ----------
    function : callable
    items : iterable
    n_threads : int
    inner_threads : int
        How many threads of OpenMP (torch) each of them may use.
    stop : callable
        Called at the end, whatever ends it, before running calls of ``function`` are
        waited for, to make them return soon.
    """
    items = iter(items)
    with ThreadPoolExecutor(n_threads, "skw2c", *_limited(inner_threads)) as pool:
        waiting = deque(pool.submit(function, item) for item in islice(items, 2 * n_threads))
        try:
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(function, item) for item in islice(items, 1))
                yield result
        finally:
            stop()
            for future in waiting:
                future.cancel()


def map_unordered(
    function: Callable, items: Iterable, n_threads: int, *, stop: Callable[[], None]
) -> Generator[tuple]:
    """Yield (item, ``function(item)``) as they are done, computed in threads.

    Each thread may use one thread of OpenMP (torch). No more than two items per thread are
    under way, so that a slow one holds nothing up but its thread.

    Parameters
    ----------
    function : callable
    items : iterable
        Asked for the next item in the thread that reads the results.
    n_threads : int
    stop : callable
        Called at the end, whatever ends it, before running calls of ``function`` are
        waited for, to make them return soon.
    """
    items = iter(items)
    with ThreadPoolExecutor(n_threads, "skw2c", *_limited(1)) as pool:
        running = {pool.submit(function, item): item for item in islice(items, 2 * n_threads)}
        try:
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    item = running.pop(future)
                    running.update({pool.submit(function, i): i for i in islice(items, 1)})
                    yield item, future.result()
        finally:
            stop()
            for future in running:
                future.cancel()


def prefetch(items: Iterable) -> Iterator:
    """Yield the items, always producing the next one in a thread."""
    items = iter(items)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(next, items, _END)
        while (item := future.result()) is not _END:
            future = pool.submit(next, items, _END)
            yield item


def _limited(n_threads: int) -> tuple:
    """What makes workers keep to so many threads each; nothing where torch is not in use.

    What runs without torch keeps to one thread by itself.
    """
    if sys.modules.get("torch") is None:
        return ()
    _openmp()
    return limit_openmp, (n_threads,)


def limit_openmp(n_threads: int) -> None:
    """Limit OpenMP to ``n_threads`` in the thread that calls this, as long as it lives."""
    import torch

    # OpenMP keeps this number for each thread of the program, so nobody else is limited;
    # torch sets it when a thread first asks, hence before it is set here.
    if torch.get_num_threads() != n_threads:
        _openmp().limit(limits=n_threads)


@cache
def _openmp() -> ThreadpoolController:
    """The OpenMP libraries of this process, looked for once, before there are workers.

    The search walks through all loaded libraries under the lock of the loader, and asks for
    Python's lock at each; a worker that imports a library holds the second and asks for the
    first, and both would wait forever.
    """
    return ThreadpoolController().select(user_api="openmp")
