"""Tasks on a cluster of Dask: few in flight, lost ones again, and those that kill found out."""

from __future__ import annotations

import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic

from ._cluster import import_distributed
from ._on_cluster import AnyReport, AnyTask, Order, work_on_task

_IN_FLIGHT = 3
"""Tasks for each worker, so that it never waits for one."""
_SECONDS_FOR_WORKERS = 60
_MOST_DIVISIONS = 3
_KILLER = (
    "the process that read it was killed, more than once: it is damaged in a way that crashes a "
    "decoder, or there is too little memory for it"
)


class ClusterRun(Generic[AnyTask, AnyReport]):
    """Have parts written by the workers of a cluster.

    A part whose workers are killed is done in pieces, which are divided on until the file that
    kills them is alone; then the whole part is done without it.

    Parameters
    ----------
    client : distributed.Client
    order : Order
    """

    def __init__(self, client, order: Order[AnyTask, AnyReport]):
        self._distributed = import_distributed()
        self._client, self._order = client, order
        self._running: dict = {}
        self._again: deque[AnyTask] = deque()
        self._divided: dict[int, AnyTask] = {}
        self._n_pieces: Counter[int] = Counter()
        self._n_divided: Counter[int] = Counter()

    def run(self, tasks: Iterable[AnyTask], progress: Callable[[int], None]) -> Iterator[AnyReport]:
        """Yield the report of each part and piece as it is done.

        Raises
        ------
        ConnectionError
            If there are no workers, or the scheduler is lost.
        Exception
            What a worker could not go on after.
        """
        self._wait_for_workers()
        waiting = iter(tasks)
        completed = self._distributed.as_completed(loop=self._client.loop, raise_errors=False)
        try:
            self._fill(waiting, completed)
            for future in completed:
                task = self._running.pop(future)
                report = self._take(future, task)
                if report is not None:
                    is_merged = not task.piece and task.number in self._divided
                    progress(0 if is_merged else report.n_files)
                    yield report
                self._fill(waiting, completed)
        finally:
            self._client.cancel(list(self._running), force=True)

    def _wait_for_workers(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=_SECONDS_FOR_WORKERS)
        except TimeoutError as exc:
            raise ConnectionError(
                f"The scheduler {self._client.scheduler.address} has no workers; start some, for "
                f"example with: dask worker {self._client.scheduler.address} --nworkers 1 "
                "--nthreads 1"
            ) from exc

    def _fill(self, waiting: Iterator[AnyTask], completed) -> None:
        """Submit tasks, until each worker has some waiting."""
        most = _IN_FLIGHT * max(1, len(self._client.nthreads()))
        while len(self._running) < most:
            task = self._again.popleft() if self._again else next(waiting, None)
            if task is None:
                return
            name = f"{self._order.unit}-{task.number:06}-{task.piece or 'whole'}"
            key = f"skw2c-{name}-{uuid.uuid4().hex[:8]}"
            future = self._client.submit(work_on_task, task, self._order, key=key, pure=False)
            self._running[future] = task
            completed.add(future)

    def _take(self, future, task: AnyTask) -> AnyReport | None:
        """The report of a task; None where its files are to be done in another way."""
        if future.status == "finished":
            self._note_end_of(task)
            return future.result()
        error = future.exception() if future.status == "error" else None
        if isinstance(error, self._distributed.KilledWorker):
            return self._divide(task, error)
        if error is not None:
            raise error
        raise ConnectionError(
            f"The scheduler of Dask is lost. Each finished {self._order.unit} is kept: give the "
            "same command again when it is back"
        )

    def _note_end_of(self, task: AnyTask) -> None:
        """Put a part together when its last piece is done."""
        if task.piece:
            self._n_pieces[task.number] -= 1
            if not self._n_pieces[task.number]:
                self._again.append(self._divided[task.number])

    def _divide(self, task: AnyTask, error: Exception) -> AnyReport | None:
        """Have the files of a task done in pieces, or name the one that kills, also alone."""
        if task.piece and len(task) == 1:
            return self._leave_out(task)
        if not task.piece:
            self._n_divided[task.number] += 1
            if self._n_divided[task.number] > _MOST_DIVISIONS:
                raise self._order.error(
                    f"The processes that work on {self._order.unit} {task.number} are killed, and "
                    "not by one of its files: there may be too little memory. Start fewer workers"
                ) from error
            self._divided[task.number] = task
        pieces = task.split()
        self._n_pieces[task.number] += len(pieces) - bool(task.piece)
        self._again.extendleft(reversed(pieces))
        return None

    def _leave_out(self, task: AnyTask) -> AnyReport:
        """Go on without the file that kills processes, which is the only one of a piece."""
        number = task.number
        report, whole = self._order.leave_out(task, self._divided[number], _KILLER)
        self._divided[number] = whole
        self._note_end_of(task)
        return report
