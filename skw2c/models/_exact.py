"""The same numbers from cuDNN in every call: full precision, and no choice by stopwatch."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

_lock = threading.Lock()
_settings = ExitStack()
_n_inside = 0


@contextmanager
def exact_cudnn() -> Iterator[None]:
    """Switch TensorFloat-32 and benchmarking off while any thread is inside.

    The settings belong to the process, so the first thread that enters makes them and
    the last that leaves puts back what was there.
    """
    global _n_inside
    with _lock:
        if _n_inside == 0:
            _settings.enter_context(
                torch.backends.cudnn.flags(
                    enabled=True, benchmark=False, deterministic=True, allow_tf32=False
                )
            )
        _n_inside += 1
    try:
        yield
    finally:
        with _lock:
            _n_inside = max(_n_inside - 1, 0)
            if _n_inside == 0:
                _settings.close()


def _leave_alone() -> None:
    """Forget in a forked process the threads that were inside, none of which is there."""
    global _lock, _n_inside
    _lock, _n_inside = threading.Lock(), 0
    _settings.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_alone)
