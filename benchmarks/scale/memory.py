"""How much memory and processor time a process takes, and those that it has started."""

import threading

import psutil

MEGABYTE = 2**20


class Watch:
    """Measure memory several times a second while a block runs.

    Attributes
    ----------
    peak : float
        Highest sum over this process and those that it has started, in MB.
    """

    def __enter__(self):
        self.peak = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._stopped.set()
        self._thread.join()

    def _measure(self):
        while not self._stopped.wait(0.2):
            self.peak = max(self.peak, total())


def processor_time():
    """Seconds of processors that this process and those that it has started took so far."""
    own = psutil.Process()
    seconds = 0.0
    for process in [own, *own.children(recursive=True)]:
        try:
            seconds += sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return seconds


def total():
    """Memory of this process and those that it has started, in MB; shared pages count twice."""
    own = psutil.Process()
    amount = 0
    for process in [own, *own.children(recursive=True)]:
        try:
            amount += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return amount / MEGABYTE
