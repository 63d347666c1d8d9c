"""The same numbers from cuDNN in every call: full precision, and no choice by stopwatch."""

from __future__ import annotations

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
            _n_inside -= 1
            if _n_inside == 0:
                _settings.close()
