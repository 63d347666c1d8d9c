"""Nearest neighbours among many vectors: the exact search of AudioIndex, and the device's product.

AudioIndex searches on the CPU. What the device could do is told beside it: a product of queries
and vectors, and its largest numbers.
"""

import statistics
import time

import numpy as np
import torch

from skw2c.search._neighbours import ExactNeighbours

WIDTH = 512
N_QUERIES = 64
K = 10


def measure(options, sizes, deadline):
    """Time both; yield rows, and a failure where they find other vectors."""
    device = options.device
    vectors = draw(sizes.vectors, seed=0)
    queries = draw(N_QUERIES, seed=1)
    engine = ExactNeighbours(vectors)
    (_, expected), on_cpu = timed(lambda: engine.search(queries[:8], K), 1)
    items = torch.from_numpy(vectors).to(device)
    wanted = torch.from_numpy(queries).to(device)
    found, on_device = timed(
        lambda: (wanted @ items.T).topk(K).indices.cpu().numpy(), sizes.repeats
    )
    yield "rows", row_of("AudioIndex, exact, CPU", sizes, 8 / on_cpu)
    yield "rows", row_of(f"torch on {device}", sizes, N_QUERIES / on_device)
    share = np.mean([len(set(x) & set(y)) / K for x, y in zip(found[:8], expected, strict=True)])
    if share < 0.99:  # rounding may decide between two of almost the same cosine
        yield "failures", f"both searches agree only in {100 * share:.0f} % of what they find"


def row_of(name, sizes, rate):
    return {"search": name, "vectors": sizes.vectors, "queries/s": f"{rate:.1f}"}


def draw(n_rows, seed):
    """Unit vectors of float32."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n_rows, WIDTH), np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def timed(call, repeats):
    """What a call gives, and the median of its seconds after a first one."""
    result = call()
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return result, statistics.median(seconds)
