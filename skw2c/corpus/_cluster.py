"""Clusters of Dask: the client that a parameter means, and the local one that is made for a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from types import ModuleType

import joblib

from ..system._optional import import_optional

_SECONDS_TO_CONNECT = 30
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

_PRELOAD = "skw2c.corpus._local_worker"


def import_distributed() -> ModuleType:
    """Import dask.distributed, or say which extra brings it."""
    return import_optional("distributed", extra="dask", purpose="Work on a cluster of Dask")


@contextmanager
def open_client(client) -> Iterator:
    """Give the client that a parameter means; what was made for it is closed at the end.

    Parameters
    ----------
    client : None, int, str or distributed.Client
        None gives None. A number starts so many worker processes on this machine; a string is
        the address of a scheduler.

    Raises
    ------
    ConnectionError
        If no scheduler answers.
    ValueError, TypeError
        If it is something else.
    """
    if client is None:
        yield None
    elif isinstance(client, Integral) and not isinstance(client, bool):
        with _local_cluster(int(client)) as own:
            yield own
    elif isinstance(client, str):
        with _connect(client) as own:
            yield own
    elif hasattr(client, "submit") and hasattr(client, "nthreads"):
        yield client
    else:
        raise TypeError(
            f"client={client!r} must be None, a number of local workers, the address of a "
            "scheduler, or a client of dask.distributed"
        )


@contextmanager
def _connect(address: str) -> Iterator:
    distributed = import_distributed()
    try:
        client = distributed.Client(address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as exc:
        raise ConnectionError(
            f"There is no scheduler of Dask at {address!r} ({exc}); an address is such as "
            "tcp://10.0.0.5:8786, as 'dask scheduler' prints it"
        ) from exc
    with client:
        yield client


@contextmanager
def _local_cluster(n_workers: int) -> Iterator:
    """Start processes that share the processors of this machine."""
    if n_workers < 1:
        raise ValueError(f"client={n_workers} must be at least one worker")
    distributed = import_distributed()
    import dask

    threads = str(max(1, joblib.cpu_count() // n_workers))
    settings = {
        # A worker may be lost for other reasons than the file that it reads, but seldom twice.
        "distributed.scheduler.allowed-failures": 1,
        "distributed.worker.profile.enabled": False,
    }
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            env=dict.fromkeys(_THREADS, threads),
            memory_limit=0,
            preload=_PRELOAD,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.ERROR,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client
