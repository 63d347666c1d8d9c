"""Parts on a cluster of Dask: few in flight, lost ones again, and those that kill found out."""

from __future__ import annotations

import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import joblib

from .._version import __version__
from ..exceptions import AudioError, CorpusError
from ..files import Stamp
from ..system._freed_memory import keep_freed_memory
from ..system._installation import version_of
from ..transformers._file_embedder import FileEmbedder
from ._cluster import import_distributed
from ._file_work import FileWork
from ._folder import CorpusFolder, piece_name
from ._task import PartReport, PartTask, Terms, run_tasks

_IN_FLIGHT = 3
"""Parts for each worker, so that it never waits for one."""
_SECONDS_FOR_WORKERS = 60
_MOST_DIVISIONS = 3
_KILLER = (
    "the process that read it was killed, more than once: it is damaged in a way that crashes a "
    "decoder, or there is too little memory for it"
)


@dataclass(frozen=True)
class Order:
    """What all tasks of a run have in common.

    Attributes
    ----------
    place : str
        Of the data set.
    identity : str or None
        Of the folder there; None where it has none.
    encoder : transformer
        Fitted; a few kilobytes, without its network.
    terms : Terms
    versions : dict of str to str
        Of the packages that vectors depend on.
    """

    place: str
    identity: str | None
    encoder: object
    terms: Terms
    versions: dict


def make_order(folder: CorpusFolder, encoder, terms: Terms) -> Order:
    """Put together what workers have to know.

    Raises
    ------
    ValueError
        If the weights are in no file that workers could read.
    """
    if getattr(getattr(encoder, "weights_", None), "in_memory", None) is not None:
        raise ValueError(
            "the weights of the encoder are in the memory of this process alone: save them to a "
            "file that all workers see, and pass weights=FILE"
        )
    return Order(folder.place, folder.identity(), encoder, terms, _versions())


def work_on_part(task: PartTask, order: Order) -> PartReport:
    """Work on a part; this runs in a worker.

    Raises
    ------
    CorpusError
        If the worker does not see the folder of the data set, or has other versions of the
        packages.
    """
    keep_freed_memory()
    folder = CorpusFolder(order.place)
    _check_worker(folder, order)
    # Workers are daemons, in which joblib counts one processor unless it is told that threads do.
    with joblib.parallel_config(backend="threading"):
        embedder = FileEmbedder(order.encoder)
    [report] = run_tasks([task], folder, embedder, order.terms)
    return report


def _check_worker(folder: CorpusFolder, order: Order) -> None:
    versions = _versions()
    if versions != order.versions:
        raise CorpusError(
            f"{_name_worker()} has {_list(versions)}, and this process has "
            f"{_list(order.versions)}: install the same on all machines"
        )
    if folder.identity() != order.identity:
        raise CorpusError(
            f"{_name_worker()} does not find the folder {order.place!r} as it is here: choose one "
            "on a disk that all machines share, or one in a bucket"
        )


def _versions() -> dict:
    return {"skw2c": __version__, "torch": (version_of("torch") or "").partition("+")[0]}


def _list(versions: dict) -> str:
    return " and ".join(f"{name} {version}" for name, version in versions.items())


def _name_worker() -> str:
    try:
        return f"The worker {import_distributed().get_worker().address}"
    except ValueError:
        return "This process"


class ClusterRun:
    """Have parts written by the workers of a cluster.

    A part whose workers are killed is done in pieces, which are divided on until the file that
    kills them is alone; then the part is made of the pieces.

    Parameters
    ----------
    client : distributed.Client
    folder : CorpusFolder
    order : Order
    """

    def __init__(self, client, folder: CorpusFolder, order: Order):
        self._distributed = import_distributed()
        self._client, self._folder, self._order = client, folder, order
        self._running: dict = {}
        self._again: deque[PartTask] = deque()
        self._divided: dict[int, PartTask] = {}
        self._n_pieces: Counter[int] = Counter()
        self._n_divided: Counter[int] = Counter()

    def run(
        self, tasks: Iterable[PartTask], progress: Callable[[int], None]
    ) -> Iterator[PartReport]:
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

    def _fill(self, waiting: Iterator[PartTask], completed) -> None:
        """Submit tasks, until each worker has some waiting."""
        most = _IN_FLIGHT * max(1, len(self._client.nthreads()))
        while len(self._running) < most:
            task = self._again.popleft() if self._again else next(waiting, None)
            if task is None:
                return
            future = self._client.submit(
                work_on_part,
                task,
                self._order,
                key=f"skw2c-part-{task.number:06}-{task.piece or 'whole'}-{uuid.uuid4().hex[:8]}",
                pure=False,
            )
            self._running[future] = task
            completed.add(future)

    def _take(self, future, task: PartTask) -> PartReport | None:
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
            "The scheduler of Dask is lost. Parts that are finished are kept: give the same "
            "command again when it is back"
        )

    def _note_end_of(self, task: PartTask) -> None:
        """Put a part together when its last piece is done."""
        if task.piece:
            self._n_pieces[task.number] -= 1
            if not self._n_pieces[task.number]:
                self._again.append(self._divided[task.number])

    def _divide(self, task: PartTask, error: Exception) -> PartReport | None:
        """Have the files of a task done in pieces, or name the one that kills."""
        if not task.piece:
            self._n_divided[task.number] += 1
            if self._n_divided[task.number] > _MOST_DIVISIONS:
                raise CorpusError(
                    f"The processes that work on part {task.number} are killed, and not by one "
                    "of its files: there may be too little memory. Start fewer workers"
                ) from error
            self._divided[task.number] = task
        pieces = task.split()
        self._n_pieces[task.number] += len(pieces) - bool(task.piece)
        if len(task) > 1:
            self._again.extendleft(reversed(pieces))
            return None
        return self._name_killer(pieces[0], error)

    def _name_killer(self, task: PartTask, error: Exception) -> PartReport:
        """Write the row of a file that kills processes, as a piece of its part."""
        [name], [stamp] = task.files, task.stamps
        terms = self._order.terms
        if terms.on_error == "raise":
            raise AudioError(f"{name!r}: {_KILLER}") from error
        file = FileWork(name, stamp or Stamp(), None, retry_failed=False)
        file.fail(_KILLER)
        metadata = {**terms.metadata, "part": task.number, "started": time.time()}
        place = piece_name(task.number, task.piece)
        self._folder.write_rows(place, [file.row], terms.width, terms.has_frames, metadata)
        self._note_end_of(task)
        return PartReport(task.number, 1)
