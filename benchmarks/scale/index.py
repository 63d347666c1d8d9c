"""An index of very many vectors on disk, and one that follows very many files.

vectors  generated, clustered vectors are added in parts and saved; a new process opens the index
         and searches: time, memory, and recall against a comparison with all vectors
update   an index of generated short files, of which some change: how long it takes to follow. The
         encoder is a stub that computes nothing, so that what is measured is the index

Memory is that which cannot be dropped (RssAnon): what is mapped from files is not in it.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import threading
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from benchmarks.speed import search

CHUNK = 250_000  # vectors that are added at once
SINGLE = 50  # queries asked one by one


def main(arguments=None):
    """Measure, print."""
    options = parse_arguments(arguments)
    rows = {"vectors": measure_vectors, "update": measure_update}
    with tempfile.TemporaryDirectory(prefix="index-", dir=options.folder) as folder:
        for name in options.only:
            for line in rows[name](Path(folder), options):
                print(f"{name}: {line}", flush=True)
    print(search.describe_machine())
    return 0


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="+", choices=["vectors", "update"], default=["vectors", "update"]
    )
    parser.add_argument("--items", type=search.positive, default=2_000_000)
    parser.add_argument("--width", type=search.positive, default=512, help="numbers per vector")
    parser.add_argument("--queries", type=search.positive, default=200)
    parser.add_argument("--k", type=search.positive, default=10)
    parser.add_argument("--method", choices=["faiss", "disk", "auto"], default="disk")
    parser.add_argument("--files", type=search.positive, default=50_000, help="of the row update")
    parser.add_argument("--changed", type=search.positive, default=100, help="of these files")
    parser.add_argument("--folder", help="where to work (default: that of temporary files)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    options.distribution = "clusters"
    return options


def start_process(function, *arguments):
    """The result of a function that runs in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(function, *arguments).result()


def measure_vectors(folder, options):
    """Build, open and search; yield what to print."""
    start_process(search.generate, folder, options)
    truth = start_process(compare_all, folder, options.k)
    library = folder / "library"
    built = start_process(build, folder / "items.npy", library, options.method)
    size = sum(path.stat().st_size for path in library.iterdir())
    gigabytes = 4e-9 * options.items * options.width
    yield (
        f"{options.items:,} of {options.width} numbers ({gigabytes:.1f} GB), "
        f"method={options.method!r}: built in {built['seconds']:.0f} s "
        f"({built['processor']:.0f} s of the processors), {built['memory']:.0f} MB at most, "
        f"{size / 1e9:.2f} GB on disk"
    )
    near = options.queries - options.queries // search.FAR
    asked = start_process(ask, library, folder / "queries.npy", options.k, near)
    found, rates = asked["rows"], asked["rates"]
    yield (
        f"opened in {asked['open']:.2f} s, first answer after {asked['first']:.2f} s; "
        f"{rates['all']:.0f} queries/s at once (near {rates['near']:.0f}, far {rates['far']:.0f}), "
        f"{asked['single']:.0f}/s one by one; recall@"
        f"{options.k} {search.recall(found, truth):.4f} (near {recall(found, truth, 0, near)}, "
        f"far {recall(found, truth, near, None)}); {asked['memory']:.0f} MB at most"
    )


def recall(found, truth, start, stop):
    """Recall of some queries, as it is printed."""
    return f"{search.recall(found[start:stop], truth[start:stop]):.4f}"


def compare_all(folder, k):
    """Rows of the nearest vectors by a comparison with all."""
    from skw2c.search._comparison import compare

    items = np.load(folder / "items.npy", mmap_mode="r")
    return compare(items, np.load(folder / "queries.npy"), np.ones(len(items), bool), k)[1]


def build(path, library, method):
    """Add vectors in parts, then write them as one with what searches in them."""
    from skw2c import AudioIndex

    items, memory = np.load(path, mmap_mode="r"), Memory()
    start, used = time.perf_counter(), time.process_time()
    index = AudioIndex("passthrough", method="exact").fit(items[:CHUNK]).save(library)
    for first in range(CHUNK, len(items), CHUNK):
        index.add(items[first : first + CHUNK]).save(library)
    index.set_params(method=method).compact()
    return {
        "seconds": time.perf_counter() - start,
        "processor": time.process_time() - used,
        "memory": memory.stop(),
    }


def ask(library, path, k, n_near):
    """Open an index and search, with all queries, then with those of each kind."""
    from skw2c import AudioIndex

    memory, queries = Memory(), np.load(path)
    start = time.perf_counter()
    index = AudioIndex.load(library)
    opened = time.perf_counter()
    index.search(queries[0], by="vector", k=k)
    answered = time.perf_counter()
    rates, tables = {}, {}
    for kind, some in ("all", queries), ("near", queries[:n_near]), ("far", queries[n_near:]):
        begun = time.perf_counter()
        tables[kind] = index.search(some, by="vector", k=k) if len(some) else None
        rates[kind] = len(some) / (time.perf_counter() - begun)
    found, ended = tables["all"], time.perf_counter()
    for query in queries[:SINGLE]:
        index.search(query, by="vector", k=k)
    return {
        "open": opened - start,
        "first": answered - opened,
        "rates": rates,
        "single": len(queries[:SINGLE]) / (time.perf_counter() - ended),
        "rows": found["item"].to_numpy().reshape(len(queries), k),
        "memory": memory.stop(),
    }


class Memory:
    """The most memory that a process held, seen every 20 ms, in MB."""

    def __init__(self):
        self._most, self._stop = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self):
        """End, and say it."""
        self._stop.set()
        self._thread.join()
        return self._most

    def _watch(self):
        while not self._stop.wait(0.02):
            status = Path("/proc/self/status").read_text()
            [line] = [line for line in status.splitlines() if line.startswith("RssAnon")]
            self._most = max(self._most, int(line.split()[1]) / 1024)


class StubEncoder(TransformerMixin, BaseEstimator):
    """Give each file a vector of its own, and count the files; nothing is decoded."""

    n_seen = 0

    def __init__(self, width=512):
        self.width = width

    def fit(self, X, y=None):
        """Learn nothing."""
        return self

    def transform(self, X):
        """A vector for each file."""
        StubEncoder.n_seen += len(X)
        seeds = [zlib.crc32(os.fsencode(path)) for path in X]
        return np.array([np.random.default_rng(s).random(self.width, np.float32) for s in seeds])


def measure_update(folder, options):
    """Index files, change some, follow; yield what to print."""
    import warnings

    from skw2c import AudioIndex

    warnings.simplefilter("ignore")  # that the stub is not saved
    sounds, library = folder / "sounds", folder / "followed"
    paths = write_sounds(sounds, options.files, options.seed)
    start = time.perf_counter()
    AudioIndex(StubEncoder()).fit(paths).save(library)
    built = time.perf_counter() - start
    time.sleep(3)  # what changed within two seconds is read again, as it may change once more
    before, start = StubEncoder.n_seen, time.perf_counter()
    index = AudioIndex.load(library, encoder=StubEncoder())
    opened = time.perf_counter() - start
    write_sounds(sounds, options.changed, options.seed + 1)
    times = []
    for expected in options.changed, 0:
        start = time.perf_counter()
        report = index.update(paths)
        times.append(time.perf_counter() - start)
        assert len(report.changed) == expected, len(report.changed)  # noqa: S101
    start = time.perf_counter()
    index.save(library)
    saved = time.perf_counter() - start
    yield (
        f"{options.files:,} files indexed in {built:.1f} s (stub encoder), opened in {opened:.2f} s"
        f"; after {options.changed} changed, update took {times[0]:.1f} s and embedded "
        f"{StubEncoder.n_seen - before}, save {saved:.1f} s; another update {times[1]:.1f} s"
    )


def write_sounds(folder, n_files, seed):
    """Write short files of noise, 500 to a folder; return their names."""
    import soundfile

    rng, paths = np.random.default_rng(seed), []
    for number in range(n_files):
        path = folder / f"{number // 500:04d}" / f"{number:07d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, rng.integers(-9999, 9999, 400, np.int16), 16000)
        paths.append(str(path))
    return paths


if __name__ == "__main__":
    sys.exit(main())
