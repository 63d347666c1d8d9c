"""Two workers against the threads of one process."""

import statistics
import time

from skw2c import embed_corpus, make_encoder
from skw2c.corpus._cluster import open_client

from .memory import Watch, processor_time
from .sounds import read_rows, same_bits, write_sounds


def measure(folder, options):
    """Yield lines on speed, memory and bits."""
    write_sounds(folder / "sounds", options.n_sounds, 5.0, seed=options.seed)
    files = sorted(map(str, (folder / "sounds").rglob("*.wav")))
    encoder = make_encoder("mini").fit()
    encoder.transform(files[:16])
    speeds, costs, memory, outs = {}, {}, {}, iter(range(10**6))

    def run(name, work):
        with Watch() as watch:
            start, taken = time.perf_counter(), processor_time()
            work()
            speeds.setdefault(name, []).append(len(files) / (time.perf_counter() - start))
            costs.setdefault(name, []).append(1000 * (processor_time() - taken) / len(files))
        memory[name] = max(memory.get(name, 0), watch.peak)

    def embed(client=None, names=files, out=None):
        out = out or folder / f"out-{next(outs)}"
        embed_corpus(names, out, encoder, client, verbose=False)

    # Alone first: later the memory of the workers is counted too.
    for _ in range(options.rounds):
        run("transform, threads", lambda: encoder.transform(files))
        run("embed_corpus, threads", embed)
    embed(out=folder / "one")
    with open_client(2) as client:
        embed(client, files[:64])  # the workers load packages and weights
        for _ in range(options.rounds):
            run("transform, threads, beside idle workers", lambda: encoder.transform(files))
            run("embed_corpus, threads, beside idle workers", embed)
            run("embed_corpus, 2 workers", lambda: embed(client))
        embed(client, out=folder / "two")
    for name, found in speeds.items():
        best = max(found)
        yield (
            f"{name}: {statistics.median(found):.1f} files per second (best {best:.1f}), "
            f"{statistics.median(costs[name]):.1f} ms of processors each, {memory[name]:.0f} MB"
        )
    for one, other in [
        ("embed_corpus, threads", "transform, threads"),
        ("embed_corpus, 2 workers", "embed_corpus, threads, beside idle workers"),
        ("embed_corpus, 2 workers", "transform, threads, beside idle workers"),
    ]:
        ratios = [a / b for a, b in zip(speeds[one], speeds[other], strict=True)]
        yield f"{one}: {statistics.median(ratios):.2f} of the speed of {other} in the same round"
    same = same_bits(read_rows(folder / "one"), read_rows(folder / "two"))
    yield f"same bits: {'yes' if same else 'NO'}, {len(files)} files"
