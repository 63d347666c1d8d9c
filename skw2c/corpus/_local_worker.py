"""What workers on this machine load as they start: see ``preload`` of dask.distributed."""

import signal


def dask_setup(worker) -> None:
    """Leave Ctrl-C, which reaches all processes of a terminal, to the one that started this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
