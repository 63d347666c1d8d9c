"""Many short files, some of them broken."""

import time
import warnings

import pyarrow.dataset

from skw2c import embed_corpus, make_encoder
from skw2c.exceptions import FailedFileWarning

from .memory import total
from .sounds import write_sounds

SAMPLES = 10


def measure(folder, options):
    """Yield lines on speed, memory and rows."""
    n_files, n_broken = options.n_files, max(options.n_files // 100, 1)
    write_sounds(folder / "sounds", n_files, 1.0, 16000, n_broken, options.seed)
    encoder = make_encoder("mini").fit()
    encoder.transform([str(folder / "sounds" / "0000" / "0000000.wav")])
    marks = Marks(n_files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FailedFileWarning)
        start = time.perf_counter()
        with marks.watching():
            result = embed_corpus(folder / "sounds", folder / "out", encoder, verbose=False)
        elapsed = time.perf_counter() - start
        start = time.perf_counter()
        again = embed_corpus(folder / "sounds", folder / "out", encoder, verbose=False)
        idle = time.perf_counter() - start
    yield (
        f"{n_files:,} files of 1 second: {n_files / elapsed:.1f} per second, of {elapsed:.0f} "
        f"seconds {marks.begun - marks.start:.1f} until the first part, {result.n_parts} parts"
    )
    yield "memory: " + ", ".join(f"{mb:.0f} MB after {n:,}" for n, mb in marks.memory)
    names = pyarrow.dataset.dataset(folder / "out").to_table(columns=["file"])["file"]
    yield (
        f"rows: {len(names):,}, of different files {len(names.unique()):,}; "
        f"{len(result.failures):,} have errors, {n_broken:,} were to be expected"
    )
    yield f"second run: {idle:.1f} seconds, {again.n_embedded} files embedded"


class Marks:
    """Notes memory as parts are finished.

    Attributes
    ----------
    memory : list of tuple (n_files, megabytes)
    start, begun : float
        When it began, and when the first part was written.
    """

    def __init__(self, n_files):
        self._step = max(n_files // SAMPLES, 1)
        self.memory, self.start, self.begun = [], None, None

    def watching(self):
        """A block in which parts are counted."""
        return _Watching(self)

    def note(self, n_done):
        """Take the memory each time a tenth of the files is done."""
        self.begun = self.begun or time.perf_counter()
        if n_done // self._step > len(self.memory):
            self.memory.append((n_done, total()))


class _Watching:
    def __init__(self, marks):
        self._marks, self._n_done = marks, 0

    def __enter__(self):
        from skw2c.corpus._task import PartJob

        self._marks.start = time.perf_counter()
        self._finish = PartJob.finish
        finish, watching = self._finish, self

        def note(job):
            report = finish(job)
            watching._n_done += report.n_files
            watching._marks.note(watching._n_done)
            return report

        PartJob.finish = note

    def __exit__(self, *exc_info):
        from skw2c.corpus._task import PartJob

        PartJob.finish = self._finish
