"""Networks that this process has built, so that estimators need not carry theirs."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable

# An encoder of each kind that a pipeline uses. One takes up to hundreds of megabytes.
_KEPT = 4
_networks: OrderedDict[tuple, object] = OrderedDict()
# It is taken again where a network is built of others that are kept.
_lock = threading.RLock()


def keep_network(key: tuple, build: Callable):
    """Give the network under ``key``, built where it is not kept.

    Parameters
    ----------
    key : tuple
        All that the network depends on.
    build : callable
        Makes it. The networks that were asked for longest ago make room.
    """
    with _lock:
        if key not in _networks:
            _networks[key] = build()
        _networks.move_to_end(key)
        while len(_networks) > _KEPT:
            _networks.popitem(last=False)
        return _networks[key]


def _free_lock() -> None:
    """Take a new lock in a forked process: of the former one, the holder may be gone."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_lock)
