"""What the workers of a cluster do: the order that all tasks of a run share, and one task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

import joblib

from .._version import __version__
from ..exceptions import CorpusError
from ..system._freed_memory import keep_freed_memory
from ..system._installation import version_of
from ._cluster import import_distributed
from ._division import Report, Task

AnyTask = TypeVar("AnyTask", bound=Task)
AnyReport = TypeVar("AnyReport", bound=Report)


class Order(ABC, Generic[AnyTask, AnyReport]):
    """How tasks are done. It is sent along with each of them, so it is small.

    Parameters
    ----------
    place : str
        The folder of what is written.

    Attributes
    ----------
    unit : str
        What messages call a part.
    where : str
        Places that all workers can see.
    error : type
        Of what is wrong with the folder or with a worker.
    """

    unit: ClassVar[str] = "part"
    where: ClassVar[str] = "on a disk that all machines share, or one in a bucket"
    error: ClassVar[type[Exception]] = CorpusError

    def __init__(self, place: str):
        self.place = place
        self._identity = self.identify()
        self._versions = self.versions()

    @abstractmethod
    def identify(self) -> str | None:
        """What tells the folder from one of the same name on another machine; None: it has none."""

    @abstractmethod
    def run(self, task: AnyTask) -> AnyReport:
        """Do a task, in a worker."""

    @abstractmethod
    def leave_out(self, task: AnyTask, whole: AnyTask, cause: str) -> tuple[AnyReport, AnyTask]:
        """Give up the only file of a piece, which kills the processes that read it.

        Returns
        -------
        report : Report
            Of the piece.
        whole : Task
            The part, to be done without that file.

        Raises
        ------
        UnreadableError
            Under ``on_error="raise"``.
        """

    def versions(self) -> dict[str, str]:
        """Of the packages that the bits of the result depend on."""
        return _versions()

    def check_worker(self) -> None:
        """Make sure that this process can do the tasks.

        Raises
        ------
        CorpusError, ShardError
            If it does not see the folder, or has other versions of the packages.
        """
        versions = self.versions()
        if versions != self._versions:
            raise self.error(
                f"{_name_worker()} has {_list(versions)}, and this process has "
                f"{_list(self._versions)}: install the same on all machines"
            )
        if self.identify() != self._identity:
            raise self.error(
                f"{_name_worker()} does not find the folder {self.place!r} as it is here: choose "
                f"one {self.where}"
            )


def work_on_task(task: AnyTask, order: Order[AnyTask, AnyReport]) -> AnyReport:
    """Do a task; this runs in a worker.

    Raises
    ------
    CorpusError, ShardError
        As `Order.check_worker`.
    """
    keep_freed_memory()
    order.check_worker()
    # Workers are daemons, in which joblib counts one processor unless it is told that threads do.
    with joblib.parallel_config(backend="threading"):
        return order.run(task)


def refuse_weights_in_memory(encoder: Any) -> None:
    """Refuse an encoder that workers could not load.

    Raises
    ------
    ValueError
        If its weights are in no file.
    """
    if getattr(getattr(encoder, "weights_", None), "in_memory", None) is not None:
        raise ValueError(
            "the weights of the encoder are in the memory of this process alone: save them to a "
            "file that all workers see, and pass weights=FILE"
        )


def _versions() -> dict[str, str]:
    return {"skw2c": __version__, "torch": (version_of("torch") or "").partition("+")[0]}


def _list(versions: dict[str, str]) -> str:
    *others, last = (f"{name} {version}" for name, version in versions.items())
    return f"{', '.join(others)} and {last}"


def _name_worker() -> str:
    try:
        return f"The worker {import_distributed().get_worker().address}"
    except ValueError:
        return "This process"
