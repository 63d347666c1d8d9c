"""Cells of the tables: computed once, kept on disk, shown even where they failed."""

import hashlib
import json
import os
import time
import traceback
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from skw2c.system._atomic import write_atomically

VERSION = 3
"""Raise it when the same cell comes out differently than before."""


def count_cpu_seconds():
    """Seconds of all processors that this process has used, and those it has waited for."""
    return sum(os.times()[:4])


class NotHereError(Exception):
    """A cell cannot be computed with what is on this machine; the message tells what is missing."""


@dataclass
class Cell:
    """One system on one task and one data set.

    Attributes
    ----------
    task, dataset, system : str
        Row and column, as tables name them.
    scores : dict of str to float
        By the name of the measure; the first is the one that the papers print.
    spread : dict of str to float
        Standard deviation over folds, trials or seeds, where there are several.
    controls : dict of str to float
        What chance, or shuffled or random vectors, reach in the first measure.
    n : int
        Clips that were evaluated.
    details : dict
        More numbers behind it, such as those of each fold, as JSON can hold them.
    notes : list of str
        What readers of the numbers must know.
    seconds : float
        What it took.
    cpu_seconds : float
        What it took of all processors together; unlike ``seconds`` it is the same on a machine that
        others use too.
    problem : str or None
        Why there are no scores.
    """

    task: str
    dataset: str
    system: str
    scores: dict = field(default_factory=dict)
    spread: dict = field(default_factory=dict)
    controls: dict = field(default_factory=dict)
    n: int = 0
    details: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    problem: str | None = None

    @property
    def score(self):
        """The first measure; NaN where there is none."""
        return next(iter(self.scores.values()), float("nan"))

    @property
    def measure(self):
        """Name of the first measure."""
        return next(iter(self.scores), "")


class CellStore:
    """Finished cells in a folder, each in a file of its own.

    Parameters
    ----------
    folder : str or Path
    """

    def __init__(self, folder):
        self._folder = Path(folder)

    def compute(self, task, dataset, system, fingerprint, run):
        """Give a cell: from disk where it is finished, else from ``run``.

        A cell that failed is tried again the next time.

        Parameters
        ----------
        task, dataset, system : str
        fingerprint : tuple
            All that the scores depend on.
        run : callable
            Takes the empty cell and fills it.

        Returns
        -------
        Cell
        """
        path = self._path(task, dataset, system, fingerprint)
        kept = _read(path)
        if kept is not None:
            return kept
        cell, start, used = Cell(task, dataset, system), time.perf_counter(), count_cpu_seconds()
        try:
            run(cell)
        except NotHereError as exc:
            cell.problem = str(exc)
        except Exception as exc:  # one cell must not stop the others
            cell.problem = f"{type(exc).__name__}: {exc}"
            cell.details["traceback"] = traceback.format_exc()
        cell.seconds = time.perf_counter() - start
        cell.cpu_seconds = count_cpu_seconds() - used
        if cell.problem is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(asdict(cell), default=_to_json).encode())
        return cell

    def recall(self, fingerprint):
        """All cells of a finished run, or None."""
        try:
            rows = json.loads(self._path_of_run(fingerprint).read_text("utf-8"))
            return [Cell(**row) for row in rows]
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def remember(self, fingerprint, cells):
        """Keep all cells of a run, so that the next one need not even make its data."""
        text = json.dumps([asdict(cell) for cell in cells], default=_to_json)
        path = self._path_of_run(fingerprint)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())

    def _path_of_run(self, fingerprint):
        key = hashlib.sha256(repr((VERSION, *fingerprint)).encode()).hexdigest()[:20]
        return self._folder / "runs" / f"{key}.json"

    def _path(self, task, dataset, system, fingerprint):
        fingerprint = repr((VERSION, task, dataset, system, *fingerprint))
        key = hashlib.sha256(fingerprint.encode()).hexdigest()[:20]
        return self._folder / _slug(task) / f"{_slug(dataset)}-{_slug(system)}-{key}.json"


def _read(path):
    try:
        return Cell(**json.loads(path.read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # a damaged cell is computed again


def _slug(name):
    return "".join(c if c.isalnum() else "-" for c in name).strip("-").lower()


def _to_json(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} does not fit into a cell")


def average_seeds(cells):
    """One cell for each task, data set and system, averaged over the seeds of several runs.

    The spread is then that between the seeds, and details are those of the first.
    """
    groups = {}
    for cell in cells:
        groups.setdefault((cell.task, cell.dataset, cell.system), []).append(cell)
    return [_average(group) for group in groups.values()]


def _average(group):
    done = [cell for cell in group if cell.problem is None]
    if len(group) == 1 or not done:
        return group[0]
    scores = {name: [cell.scores[name] for cell in done] for name in done[0].scores}
    controls = {name: [cell.controls[name] for cell in done] for name in done[0].controls}
    missing = len(group) - len(done)
    return replace(
        done[0],
        scores={name: float(np.mean(values)) for name, values in scores.items()},
        spread={name: float(np.std(values)) for name, values in scores.items()},
        controls={name: float(np.mean(values)) for name, values in controls.items()},
        n=sum(cell.n for cell in done),
        seconds=sum(cell.seconds for cell in done),
        cpu_seconds=sum(cell.cpu_seconds for cell in done),
        notes=done[0].notes + ([f"{missing} of {len(group)} seeds failed"] if missing else []),
    )
