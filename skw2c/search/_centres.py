"""Where the lists lie that vectors are divided into."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
from threadpoolctl import threadpool_limits

from ._codes import import_faiss

PER_LIST = 64  # vectors per list to train from
_PER_ROOT = 2.2  # lists for each unit of the root of the number of vectors
_ROUNDS = 10  # of k-means in each part
_LAST_ROUNDS = 2  # over all lists
_FEW = 2**15  # vectors, which several threads would mostly wait for each other to divide


def count_lists(n_items: int) -> int:
    """So many that a list has some hundred vectors, and the centres are a small part of all."""
    return round(_PER_ROOT * n_items**0.5)


def draw_rows(vectors, n_rows, random):
    """Draw different rows, ascending as a file is read best."""
    n_rows = min(n_rows, len(vectors))
    return np.sort(random.choice(len(vectors), n_rows, replace=False))


def find_centres(sample, n_lists, random):
    """Directions of k-means, shortened so that least remains between vectors and centres.

    About as many as are asked for. k-means that starts from vectors drawn at random gives all
    that is scattered to one list, which is then long and near to most queries. So the vectors
    are first divided coarsely, and each part into lists by its size.
    """
    seed = int(random.randint(2**31 - 1))
    starts = _divide(sample, n_lists, seed)
    clustering = _cluster(sample, len(starts), seed, rounds=_LAST_ROUNDS, starts=starts)
    cosines, _ = clustering.index.search(sample, 1)
    return clustering.centroids * cosines.mean()


def _divide(sample, n_lists, seed):
    """Centres of lists that are found part by part."""
    parts = _cluster(sample, 2 ** round(np.log2(n_lists) / 2), seed)
    owners = parts.index.search(sample, 1)[1].ravel()
    found = []
    for part in np.unique(owners):
        own = sample[owners == part]
        n_own = max(1, round(n_lists * len(own) / len(sample)))
        found.append(_cluster(own, n_own, seed).centroids)
    return np.concatenate(found)


def _cluster(vectors, n_centres, seed, rounds=_ROUNDS, starts=None):
    clustering = import_faiss().Kmeans(
        vectors.shape[1],
        n_centres,
        niter=rounds,
        spherical=True,
        seed=seed,
        min_points_per_centroid=1,
    )
    with _threads_for(len(vectors)):
        clustering.train(vectors, init_centroids=starts)
    return clustering


def _threads_for(n_vectors: int) -> AbstractContextManager:
    return threadpool_limits(1) if n_vectors < _FEW else nullcontext()
