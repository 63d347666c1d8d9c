"""One run: which shards are missing, writing them here or on a cluster, and what there is then."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sklearn.utils import Bunch

from ..corpus._cluster_run import ClusterRun
from ..corpus._division import Report
from ..exceptions import ShardError
from ..system._atomic import write_atomically
from ..system._locks import LockedError, hold_lock
from ..system._spreadsheets import disarm, disarm_path
from ..training._shard_folder import claim_folder
from ..training._shard_record import Record, read_finished
from ._shard_order import ShardOrder
from ._shard_plan import ShardPlan, name_shard
from ._shard_writer import ShardTerms, ShardWriter

_FAILURES = "failures.csv"


class ShardRun:
    """Write the shards of a plan that are missing.

    Parameters
    ----------
    folder : Path
    plan : ShardPlan
    terms : ShardTerms
    share : tuple (k, n)
        Which shards are those of this run.

    Attributes
    ----------
    n_videos : int
        Of all shards of this run, finished or not.

    Raises
    ------
    ShardError
        If the folder holds other shards.
    """

    def __init__(self, folder: Path, plan: ShardPlan, terms: ShardTerms, share: tuple[int, int]):
        self._folder, self._plan, self._terms = folder, plan, terms
        self._share = share
        k, n = share
        self._own = range(k - 1, len(plan.shards), n)
        self.n_videos = sum(len(plan.shards[number]) for number in self._own)
        claim_folder(folder, plan.describe(terms.teacher))

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep other runs from doing the same share while a block runs."""
        k, n = self._share
        message = (
            f"Another run is writing the shards in {str(self._folder)!r}, part {k} of {n}. Wait "
            "until it has ended and run the same again, which then goes on with what is missing"
        )
        try:
            with hold_lock(self._folder / f".part-{k}-of-{n}.lock", message):
                yield
        except LockedError as exc:
            raise ShardError(str(exc)) from exc

    def find_missing(self) -> int:
        """Find the shards that have to be written; return the number of their videos."""
        self._todo = [number for number in self._own if self._is_due(number)]
        return sum(len(self._plan.shards[number]) for number in self._todo)

    def work(self, client, progress: Callable[[int], None]) -> Iterator[Report]:
        """Write the shards that `find_missing` found; yield a report of each."""
        is_elsewhere = client is not None
        tasks = [self._plan.task(number, is_elsewhere=is_elsewhere) for number in self._todo]
        if client is None:
            yield from ShardWriter(self._folder, self._terms).write(tasks, progress)
        elif tasks:
            order = ShardOrder(str(self._folder.absolute()), self._terms)
            yield from ClusterRun(client, order).run(tasks, progress)

    def sum_up(self) -> Bunch:
        """What the shards of this run hold; the failures of all runs are listed in a table too."""
        self._list_failures(self._failures_in(range(len(self._plan.shards))))
        records = self._records(self._own).values()
        return Bunch(
            n_clips=sum(len(record.clips) for record in records),
            seconds=sum(int(record.clips["n_samples"].sum()) for record in records)
            / self._plan.rate,
            failures=self._failures_in(self._own),
        )

    def _is_due(self, number: int) -> bool:
        """Whether a shard is missing, or lacks videos that may be to be had now."""
        record = self._read(number)
        return record is None or bool(record.unreached)

    def _read(self, number: int) -> Record | None:
        """The record of a shard that is finished, with failures of its own videos alone."""
        record = read_finished(self._folder / name_shard(number))
        rows = self._plan.shards[number]
        is_whole = record is not None and all(row in rows for row, _ in record.failures)
        return record if is_whole else None

    def _records(self, numbers: range) -> dict[int, Record]:
        found = {number: self._read(number) for number in numbers}
        return {number: record for number, record in found.items() if record is not None}

    def _failures_in(self, numbers: range) -> list[tuple[int, str, str]]:
        return [
            (row, self._plan.videos[row], cause)
            for record in self._records(numbers).values()
            for row, cause in record.failures
        ]

    def _list_failures(self, failures: list[tuple[int, str, str]]) -> None:
        """Write the videos that are missing in any shard, also of other parts, as a table."""
        path = self._folder / _FAILURES
        if not failures:
            path.unlink(missing_ok=True)
            return
        table = io.StringIO(newline="")
        writer = csv.writer(table)
        writer.writerow(["row", "file", "cause"])
        writer.writerows((row, disarm_path(file), disarm(cause)) for row, file, cause in failures)
        write_atomically(path, table.getvalue().encode("utf-8", "surrogateescape"))
