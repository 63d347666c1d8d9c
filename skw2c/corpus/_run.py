"""One run: what has to be done so that a data set holds the vectors of some files, and doing it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import compress

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.utils import Bunch

from .._version import __version__
from ..audio import Levels
from ..files import MissingFileError, RemoteError, RemoteFile, Stamp, is_remote
from ..system._installation import version_of
from ..system._vector_store import FORMAT as VECTORS
from ..transformers._encoder_descriptions import describe_encoder, terms_of_vectors
from ..transformers._file_embedder import FileEmbedder, prepare_encoder
from ._cluster_run import ClusterRun
from ._embedding_order import EmbeddingOrder
from ._file_work import KnownRow
from ._folder import CorpusFolder
from ._listing import Listing, as_text, list_corpus
from ._plan import Plan
from ._rows import FileRow
from ._task import PartReport, PartTask, Terms, run_tasks

_NOT_LISTED = -1
_THREADS = 16


@dataclass(frozen=True)
class _Pending:
    """A part that has to be looked at, and how many bytes it has."""

    number: int
    n_bytes: int


class CorpusRun:
    """Bring a data set up to date.

    Parameters
    ----------
    files : str, os.PathLike or collection of them
        As `list_corpus` takes them.
    out : str or os.PathLike
        The folder of the data set.
    encoder : str or transformer
    share : tuple (k, n)
        Which parts are those of this run.
    missing : {"keep", "remove"}
    retry_failed : bool
    on_error : {"raise", "nan"}
    files_per_part, bytes_per_part : int
    """

    def __init__(
        self,
        files,
        out: str | os.PathLike,
        encoder,
        share: tuple[int, int],
        *,
        missing: str,
        retry_failed: bool,
        on_error: str,
        files_per_part: int,
        bytes_per_part: int,
    ):
        self._listing = list_corpus(files)
        self._folder = CorpusFolder(out)
        self._share = share
        self._missing = missing
        self._retry_failed = retry_failed
        self._sizes = files_per_part, bytes_per_part
        self._encoder = prepare_encoder(encoder)
        self._embedder = FileEmbedder(self._encoder)
        self._terms = self._claim(on_error)

    def hold(self) -> AbstractContextManager:
        """Keep other runs from doing the same share while a block runs."""
        return self._folder.hold_run(self._share)

    def plan(self) -> int:
        """Divide the files that are new into parts, and see what has to be done.

        Returns
        -------
        int
            Number of files in the parts that have to be looked at.
        """
        with self._folder.hold_plan():
            before = self._folder.read_plan()
            plan = self._without_missing(before)
            self._plan = plan.extend(self._listing.texts, self._listing.sizes, *self._sizes)
            if self._plan is not before:
                self._folder.write_plan(self._plan)
        self._listed = _find(self._plan, self._listing)
        self._remove_empty_parts()
        self._todo = [self._measure(number) for number in self._own() if self._is_due(number)]
        self._todo.sort(key=lambda part: -part.n_bytes)  # long ones would hold up the end
        return sum(len(self._plan.rows(part.number)) for part in self._todo)

    def work(self, client, progress: Callable[[int], None]) -> Generator[PartReport]:
        """Write the parts that `plan` found; yield a report of each."""
        tasks = (self._make_task(part.number) for part in self._todo)
        if client is None:
            yield from run_tasks(tasks, self._folder, self._embedder, self._terms, progress)
        elif self._todo:
            order = EmbeddingOrder(self._folder.place, self._encoder, self._terms)
            yield from ClusterRun(client, order).run(tasks, progress)

    @property
    def heeds_scale(self) -> bool:
        """Whether the vectors depend on how large the samples are."""
        return getattr(self._encoder, "_heeds_scale", False)

    def remarks_of(self, report: PartReport) -> dict[int, tuple[str | None, Levels]]:
        """What there is to warn of in a part, by the rows of its files."""
        rows = dict(
            zip(self._plan.files(report.number), self._plan.rows(report.number), strict=True)
        )
        return {rows[as_text(name)]: (name, levels) for name, levels in report.remarks}

    def sum_up(self) -> Bunch:
        """What the data set holds now; its failures are listed in a table too."""
        own = set(self._own())
        all_failures, failures = [], []
        for number in self._plan.numbers.tolist():
            found = self._failures_of(number)
            all_failures += found
            failures += found if number in own else []
        return Bunch(
            n_files=sum(len(self._plan.rows(number)) for number in own),
            n_parts=len(own),
            failures=failures,
            failures_file=self._folder.write_failures(all_failures),
        )

    def _claim(self, on_error: str) -> Terms:
        with tempfile.TemporaryDirectory(prefix="skw2c-") as folder:
            width = self._embedder.width(folder)
        has_frames = self._embedder.has_frames
        terms = {**terms_of_vectors(self._encoder), "width": width, "frames": has_frames}
        there = self._folder.claim({"terms": {**terms, "vectors": VECTORS}})
        identity = hashlib.sha256(json.dumps(there["terms"], sort_keys=True).encode()).hexdigest()
        metadata = {
            "identity": identity,
            "encoder": describe_encoder(self._encoder),
            "terms": there["terms"],
            "created_by": f"skw2c {__version__}",
            "torch": version_of("torch"),
        }
        return Terms(width, has_frames, on_error, metadata)

    def _own(self) -> list[int]:
        k, n = self._share
        return [number for number in self._plan.numbers.tolist() if number % n == k - 1]

    def _without_missing(self, plan: Plan) -> Plan:
        """Leave out files that are gone: those without a row, and the others if asked for."""
        listed = pc.is_in(plan.table["file"], value_set=self._listing.texts)
        others = plan.table.filter(pc.invert(listed))
        if self._missing == "keep":
            written = pa.array(self._folder.parts(), pa.int32())
            others = others.filter(pc.invert(pc.is_in(others["part"], value_set=written)))
        unread = tuple(f"{folder}{os.sep}" for _, folder, _ in self._listing.unread) or "\0"
        names = [name for name in others["file"].to_pylist() if not name.startswith(unread)]
        with ThreadPoolExecutor(_THREADS) as pool:
            are_gone = list(pool.map(_is_gone, names))
        gone = list(compress(names, are_gone))
        return plan.without(gone) if gone else plan

    def _remove_empty_parts(self) -> None:
        """Remove parts of which the plan knows no files."""
        if self._missing == "remove":
            for number in set(self._folder.parts()) - set(self._plan.numbers.tolist()):
                self._folder.remove_part(number)

    def _is_due(self, number: int) -> bool:
        """Whether a part is missing, or holds rows of files that may have changed."""
        head = self._folder.read_head(number)
        if head is None or head[1].get("identity") != self._terms.metadata["identity"]:
            return True
        table, metadata = head
        rows = self._plan.rows(number)
        names = table["file"].to_pylist()
        firsts = [k for k, name in enumerate(names) if k == 0 or name != names[k - 1]]
        if [names[k] for k in firsts] != self._plan.files(number):
            return True
        modified = table["modified"].cast(pa.int64()).to_pylist()
        sizes, etags, errors = (table[name].to_pylist() for name in ("size", "etag", "error"))
        for row, k in zip(rows, firsts, strict=True):
            stamp = self._stamp(row)
            if stamp is None:
                continue
            if self._retry_failed and errors[k] is not None:
                return True
            known = FileRow(names[k], Stamp(sizes[k], modified[k], etags[k]))
            if not KnownRow(known, metadata["started"]).is_of(stamp):
                return True
        return False

    def _measure(self, number: int) -> _Pending:
        listed = self._listed[self._plan.rows(number)]
        return _Pending(number, int(self._listing.sizes[listed[listed != _NOT_LISTED]].sum()))

    def _make_task(self, number: int) -> PartTask:
        rows = self._plan.rows(number)
        texts = self._plan.files(number)
        places = self._listed[rows].tolist()
        names = [
            text if place == _NOT_LISTED else self._listing.names[place]
            for text, place in zip(texts, places, strict=True)
        ]
        return PartTask(number, names, [self._stamp(row) for row in rows], self._retry_failed)

    def _stamp(self, row: int) -> Stamp | None:
        """What is known of a file of the plan; None if it was not listed."""
        place = int(self._listed[row])
        return None if place == _NOT_LISTED else self._listing.stamp(place)

    def _failures_of(self, number: int) -> list[tuple[int, str, str]]:
        head = self._folder.read_head(number)
        if head is None:
            return []
        table = head[0].filter(pc.is_valid(head[0]["error"]))
        rows = dict(zip(self._plan.files(number), self._plan.rows(number), strict=True))
        pairs = zip(table["file"].to_pylist(), table["error"].to_pylist(), strict=True)
        return [(rows[file], file, error) for file, error in pairs if file in rows]


def _find(plan: Plan, listing: Listing) -> np.ndarray:
    """For each file of the plan its place in the listing, or that it is not listed."""
    places = pc.index_in(plan.table["file"].combine_chunks(), value_set=listing.texts)
    return pc.fill_null(places, _NOT_LISTED).to_numpy(zero_copy_only=False)


def _is_gone(name: str) -> bool:
    """Whether there is no such file; what cannot be reached may be there."""
    if not is_remote(name):
        return not os.path.lexists(name)
    try:
        RemoteFile(name).stamp()
    except MissingFileError:
        return True
    except RemoteError:
        return False
    return False
