"""How fast and how completely nearest neighbours are found: skw2c against scikit-learn.

The vectors are generated once; each engine then runs on them in a process of its own.
"""

import argparse
import multiprocessing
import platform
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.speed.folder import peak_megabytes

BLOCK = 2**15  # vectors drawn at once
DIRECTIONS = 16  # in which a cluster is spread
SINGLE = 5  # queries asked one by one
FAR = 10  # one query of so many is far from all items
DESCRIPTIONS = {
    "clusters": (
        "n / 200 clusters of uneven sizes (Dirichlet, 0.5), whose centres lie around a common "
        f"mean; each is spread along {DIRECTIONS} directions of its own (0.7 of the distance "
        "from mean to centre), with noise in all directions (0.3). Far queries: the mean plus "
        "a direction of no cluster"
    ),
    "gaussian": "even directions without any cluster. Far queries: directions drawn likewise",
}


def main(arguments=None):
    """Generate, measure, print."""
    options = parse_arguments(arguments)
    with tempfile.TemporaryDirectory() as folder, start_pool() as pool:
        pool.submit(generate, Path(folder), options).result()
        results = {
            name: pool.submit(measure, name, Path(folder), options.k).result() for name in ENGINES
        }
    print(describe(results, options))
    return 0


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=positive, default=1_000_000)
    parser.add_argument("--width", type=positive, default=512, help="numbers per vector")
    parser.add_argument("--queries", type=positive, default=1000)
    parser.add_argument("--k", type=positive, default=10, help="neighbours per query")
    parser.add_argument("--distribution", choices=DESCRIPTIONS, default="clusters")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if max(options.k, options.queries) > options.items:
        parser.error("--k and --queries may not exceed --items")
    return options


def positive(text):
    """Read a number of at least one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def start_pool():
    """A pool that runs each task in a new process, one at a time."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1)


def generate(folder, options):
    """Write items and queries, the last tenth of which is far from the items."""
    rng = np.random.default_rng(options.seed)
    draw = {"clusters": draw_clusters, "gaussian": draw_gaussian}[options.distribution]
    items = np.lib.format.open_memmap(
        folder / "items.npy", "w+", np.float32, (options.items, options.width)
    )
    centre = draw(items, rng)
    near = items[np.sort(rng.choice(options.items, options.queries, replace=False))]
    queries = near + 0.3 * draw_noise(rng, near.shape)
    n_far = options.queries // FAR
    queries[len(near) - n_far :] = centre + draw_noise(rng, (n_far, options.width))
    np.save(folder / "queries.npy", normalise(queries))


def draw_clusters(items, rng):
    """Fill the rows with clusters, in random order; return the common mean."""
    n_items, width = items.shape
    n_clusters = max(2, n_items // 200)
    sizes = rng.multinomial(n_items, rng.dirichlet(np.full(n_clusters, 0.5)))
    mean = draw_noise(rng, width)
    places, start = rng.permutation(n_items), 0
    for size in sizes:
        centre = mean + draw_noise(rng, width)
        directions = draw_noise(rng, (DIRECTIONS, width))
        weights = rng.standard_normal((size, DIRECTIONS), np.float32) / np.sqrt(DIRECTIONS)
        vectors = centre + 0.7 * weights @ directions
        vectors += 0.3 * draw_noise(rng, vectors.shape)
        items[places[start : start + size]] = normalise(vectors)
        start += size
    return mean


def draw_gaussian(items, rng):
    """Fill the rows with even directions; return their mean."""
    for start in range(0, len(items), BLOCK):
        block = items[start : start + BLOCK]
        block[:] = normalise(draw_noise(rng, block.shape))
    return np.zeros(items.shape[1], np.float32)


def draw_noise(rng, shape):
    """Gaussian vectors of length about 1."""
    return rng.standard_normal(shape, np.float32) / np.float32(np.sqrt(np.atleast_1d(shape)[-1]))


def normalise(vectors):
    """Bring to length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def measure(name, folder, k):
    """Build and ask one engine."""
    queries = np.load(folder / "queries.npy")
    build = ENGINES[name](folder / "items.npy")
    start = time.perf_counter()
    engine = build()
    built = time.perf_counter()
    _, rows = engine.search(queries, k)
    answered = time.perf_counter()
    singles = [time_call(engine.search, query[None], k) for query in queries[:SINGLE]]
    return {
        "rows": rows,
        "build": built - start,
        "rate": len(queries) / (answered - built),
        "single": statistics.median(singles),
        "megabytes": peak_megabytes(),
        "note": describe_saved(engine, folder / "index.npz") if hasattr(engine, "save") else "",
    }


def time_call(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def describe_saved(engine, path):
    """What it takes to keep an engine."""
    saving = time_call(engine.save, path)
    loading = time_call(type(engine).load, path, engine.vectors)
    return (
        f"Saved, the lists of {engine.method} take {path.stat().st_size / 1e6:.1f} MB; they are "
        f"written in {saving:.1f} s and loaded in {loading:.1f} s."
    )


def prepare_exact(path):
    """The exact engine, on the mapped file."""
    from skw2c.search._neighbours import ExactNeighbours

    return partial(ExactNeighbours, np.load(path, mmap_mode="r"))


def prepare_faiss(path):
    """The engine of faiss, on the mapped file."""
    import faiss  # noqa: F401

    from skw2c.search._neighbours import FaissNeighbours

    return partial(FaissNeighbours, np.load(path, mmap_mode="r"))


def prepare_plain(path):
    """What one writes without skw2c."""
    import sklearn.neighbors  # noqa: F401

    return partial(PlainNeighbours, np.load(path))


class PlainNeighbours:
    """scikit-learn's neighbours by cosine."""

    def __init__(self, vectors):
        from sklearn.neighbors import NearestNeighbors

        self.finder = NearestNeighbors(metric="cosine").fit(vectors)

    def search(self, queries, k):
        distances, rows = self.finder.kneighbors(queries, k)
        return 1 - distances, rows


ENGINES = {
    "skw2c, exact": prepare_exact,
    "skw2c, faiss": prepare_faiss,
    "NearestNeighbors(metric='cosine')": prepare_plain,
}


def describe(results, options):
    """A page with one table."""
    import pandas as pd

    truth = results["skw2c, exact"]["rows"]
    n_near = options.queries - options.queries // FAR
    table = [
        {
            "engine": name,
            "build, s": f"{result['build']:.1f}",
            "queries/s": f"{result['rate']:.0f}",
            "one query, ms": f"{1000 * result['single']:.1f}",
            f"recall@{options.k}": f"{recall(result['rows'], truth):.4f}",
            "near": f"{recall(result['rows'][:n_near], truth[:n_near]):.4f}",
            "far": f"{recall(result['rows'][n_near:], truth[n_near:]):.4f}",
            "peak memory, MB": f"{result['megabytes']:.0f}",
        }
        for name, result in results.items()
    ]
    return "\n\n".join(
        [
            describe_task(options),
            pd.DataFrame(table).to_markdown(index=False, disable_numparse=True),
            *filter(None, (result["note"] for result in results.values())),
            describe_machine(),
        ]
    )


def describe_task(options):
    """What was searched for what."""
    megabytes = 4 * options.items * options.width / 1e6
    return (
        f"{options.items} items of {options.width} numbers, seed {options.seed}: "
        f"{DESCRIPTIONS[options.distribution]} (one query in {FAR}). Near queries: items with "
        f"noise (0.3). {options.queries} queries at once for {options.k} neighbours, and "
        f"the median of {SINGLE} alone. Memory is the peak of the whole process; skw2c maps the "
        f"file of {megabytes:.0f} MB, which counts in it as far as it was read."
    )


def describe_machine():
    """Cores and versions."""
    packages = ("numpy", "scikit-learn", "faiss-cpu")
    cores = multiprocessing.cpu_count()
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return f"{cores} cores, {platform.machine()}, Python {platform.python_version()}, {versions}."


def recall(rows, truth):
    """Share of the true neighbours that were found."""
    if not len(truth):
        return float("nan")
    pairs = zip(rows, truth, strict=True)
    return float(np.mean([np.isin(true, found).mean() for found, true in pairs]))


if __name__ == "__main__":
    sys.exit(main())
