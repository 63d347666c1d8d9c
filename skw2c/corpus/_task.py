"""The work on one part: which of its files have to be looked at, and what is written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

from ..audio import Levels
from ..exceptions import AudioError
from ..files import Stamp
from ..system._prefetch import map_unordered
from ..transformers._file_embedder import FileEmbedder
from ._division import Report, Task
from ._file_work import FileWork, KnownRow, bundle, work_on
from ._folder import CorpusFolder, part_name, piece_name
from ._listing import as_text
from ._rows import FileRow

_MOST_REMARKS = 10


@dataclass(frozen=True)
class PartTask(Task):
    """A part that is to be written.

    Attributes
    ----------
    files : list of str
        The names of its files.
    stamps : list of Stamp or None
        What is known of them; None for files that were not listed, whose rows stay.
    retry_failed : bool
        Whether to try files again that failed before, and are the same still.
    """

    files: list[str]
    stamps: list[Stamp | None]
    retry_failed: bool = False

    def __len__(self) -> int:
        return len(self.files)

    def take(self, files: slice, piece: str) -> PartTask:
        """The work on some of the files."""
        return replace(self, files=self.files[files], stamps=self.stamps[files], piece=piece)


@dataclass(frozen=True)
class Terms:
    """What all parts of a data set have in common.

    Attributes
    ----------
    width : int
        Length of a vector.
    has_frames : bool
        Whether files have a row for each window.
    on_error : {"raise", "nan"}
    metadata : dict
        What is written into each part. Rows of parts with another ``"identity"`` are not kept.
    """

    width: int
    has_frames: bool
    on_error: str
    metadata: dict


@dataclass
class PartReport(Report):
    """What was done for a part or a piece of one.

    Attributes
    ----------
    n_embedded : int
        Files that were read and have a vector now.
    seconds : float
        Of the sounds that were read.
    remarks : list of tuple (file, Levels)
        The first clips that there is to warn of.
    """

    n_embedded: int = 0
    seconds: float = 0.0
    remarks: list[tuple[str, Levels]] = field(default_factory=list)


class PartJob:
    """The rows of a part while they are computed.

    Parameters
    ----------
    task : PartTask
    folder : CorpusFolder
    terms : Terms

    Attributes
    ----------
    todo : list of FileWork
        Files that have to be looked at.
    report : PartReport
    """

    def __init__(self, task: PartTask, folder: CorpusFolder, terms: Terms):
        self._task, self._folder, self._terms = task, folder, terms
        self._started = time.time()
        self._rows: list[FileRow | FileWork] = self._begin()
        self.todo = [row for row in self._rows if isinstance(row, FileWork)]
        self._left = len(self.todo)
        self.report = PartReport(task.number, len(task))

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left but to `finish`."""
        return self._left == 0

    def take(self, files: list[FileWork]) -> None:
        """Note that files are done.

        Raises
        ------
        AudioError
            If one failed, under ``on_error="raise"``.
        """
        self._left -= len(files)
        for file in files:
            if not file.was_read:
                continue
            if file.row.error is None:
                self.report.n_embedded += 1
                self.report.seconds += file.row.seconds or 0.0
            elif self._terms.on_error == "raise":
                raise AudioError(
                    f"{file.name!r}: {file.row.error}. To keep such files as rows with their "
                    "errors and go on, pass on_error='nan'."
                )
            if file.levels is not None and len(self.report.remarks) < _MOST_REMARKS:
                self.report.remarks.append((file.name, file.levels))

    def finish(self) -> PartReport:
        """Write the part, if it is not there as it should be."""
        task, is_piece = self._task, bool(self._task.piece)
        if self._is_other or any(file.is_new for file in self.todo):
            rows = [row.row if isinstance(row, FileWork) else row for row in self._rows]
            name = piece_name(task.number, task.piece) if is_piece else part_name(task.number)
            metadata = {**self._terms.metadata, "part": task.number, "started": self._started}
            self._folder.write_rows(name, rows, self._terms.width, self._terms.has_frames, metadata)
        if not is_piece:
            self._folder.remove_pieces(task.number)
        return self.report

    def _begin(self) -> list[FileRow | FileWork]:
        """For each file the row that is known, or the work on it."""
        task = self._task
        texts = [as_text(name) for name in task.files]
        known, order = self._read_known()
        self._is_other = bool(task.piece) or order != texts
        rows: list[FileRow | FileWork] = []
        for name, text, stamp in zip(task.files, texts, task.stamps, strict=True):
            row = known.get(text)
            work = FileWork(name, stamp or Stamp(), row, retry_failed=task.retry_failed)
            if row is not None and (stamp is None or work.is_known_by(stamp)):
                rows.append(row.row)
            else:
                rows.append(work)
        return rows

    def _read_known(self) -> tuple[dict[str, KnownRow], list[str] | None]:
        """Rows that may be kept, by file, and the files of the part that is there."""
        known, order = {}, None
        rows, metadata = self._folder.read_rows(self._task.number)
        if self._is_ours(metadata):
            order = [row.file for row in rows]
            known = {row.file: KnownRow(row, metadata["started"]) for row in rows}
        for row, metadata in self._folder.read_pieces(self._task.number):
            if self._is_ours(metadata):
                known[row.file] = KnownRow(row, metadata["started"])
        return known, order

    def _is_ours(self, metadata: dict) -> bool:
        return metadata.get("identity") == self._terms.metadata["identity"]


def run_tasks(
    tasks: Iterable[PartTask],
    folder: CorpusFolder,
    embedder: FileEmbedder,
    terms: Terms,
    progress: Callable[[int], None] = lambda n: None,
) -> Iterator[PartReport]:
    """Work on parts in threads of this process; yield the report of each that is written.

    A file that takes long holds up the part that it is in, and no other.
    """
    stopped = threading.Event()
    finished: list[PartReport] = []

    def units() -> Iterator[tuple[PartJob, list[FileWork]]]:
        for task in tasks:
            job = PartJob(task, folder, terms)
            progress(len(task) - len(job.todo))
            if job.is_complete:
                finished.append(job.finish())
            for files in bundle(job.todo, embedder.files_at_once, embedder.bytes_at_once):
                yield job, files

    def work(unit: tuple[PartJob, list[FileWork]]) -> None:
        work_on(unit[1], embedder, stopped)

    done = map_unordered(work, units(), embedder.n_threads, stop=stopped.set)
    with closing(done):
        for (job, files), _ in done:
            job.take(files)
            progress(len(files))
            if job.is_complete:
                finished.append(job.finish())
            yield from finished
            finished.clear()
    yield from finished
