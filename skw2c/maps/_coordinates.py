"""Coordinates of clips on a map, where clips with similar vectors lie near each other."""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..system._optional import import_optional
from ._coordinate_file import read_points, write_points

METHODS = ("umap", "pca")
"""How a map can be made."""

_LARGEST = 65535  # of a coordinate
_NOTHING = 1e-5  # unit vectors that differ by less are the same
_FEWEST = 10  # different clips, below which UMAP has no neighbourhoods to keep
_NEIGHBOURS = 15
_MOST_EXACT = 20_000  # clips, above which UMAP finds neighbours faster by its own search
_SAMPLE = 50_000  # clips that tell the directions of PCA
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Coordinates:
    """Where clips lie on a map.

    Attributes
    ----------
    points : ndarray of shape (n_clips, 2), uint16
        To the right and up.
    method : {"umap", "pca"}
        What they were computed by. A handful of clips is laid out by PCA even if UMAP was asked
        for.
    """

    points: np.ndarray
    method: str


def mean_vectors(vectors: np.ndarray, counts: np.ndarray | Sequence[int]) -> np.ndarray:
    """Mean vectors of clips (n_clips, width), float32, scaled to unit length.

    Parameters
    ----------
    vectors : ndarray of shape (n_vectors, width), float32
        Unit vectors of windows, in the order of the clips. They may be mapped from a file.
    counts : array-like of shape (n_clips,), int
        Number of windows of each clip. Where each has one, the vectors are returned as they are.
    """
    counts = np.asarray(counts)
    if (counts == 1).all():
        return vectors
    means = np.zeros((len(counts), vectors.shape[1]), np.float32)
    some = counts > 0
    starts = (np.cumsum(counts) - counts)[some]
    if len(starts):
        means[some] = np.add.reduceat(vectors, starts, axis=0)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return means / np.where(lengths > 0, lengths, 1)


def why_no_umap() -> str | None:
    """Say what is missing for a map by UMAP, and the command that installs it; None: nothing."""
    if importlib.util.find_spec("umap") is not None:
        return None
    return 'UMAP is not installed: pip install "skw2c[serve]"'


def find_coordinates(
    vectors: np.ndarray,
    method: str = "auto",
    *,
    folder: str | os.PathLike | None = None,
    index_id: str | None = None,
) -> Coordinates:
    """Give the coordinates of clips, from the folder of their index where they are known.

    Parameters
    ----------
    vectors : ndarray of shape (n_clips, width), float32
        One unit vector for each clip.
    method : {"auto", "umap", "pca"}, default="auto"
        ``"auto"`` is UMAP where it is installed.
    folder : str, os.PathLike or None, default=None
        The folder of the index, which keeps the coordinates. If it is write-protected, they are
        computed each time. None: they are not kept.
    index_id : str or None, default=None
        The identity of what is saved there.

    Raises
    ------
    ValueError
        If the method is unknown.
    OptionalDependencyError
        If the method is ``"umap"`` and umap-learn is not installed.
    """
    method = _resolve(method)
    known = None if folder is None else read_coordinates(folder, index_id, len(vectors), method)
    if known is not None:
        return known
    found = compute_coordinates(vectors, method)
    if folder is not None:
        write_points(folder, method, found.points, _key(index_id, method, found.method))
    return found


def read_coordinates(
    folder: str | os.PathLike, index_id: str | None, n_clips: int, method: str
) -> Coordinates | None:
    """Read the coordinates that the folder of an index keeps.

    None if there are none, they are damaged, or they belong to another state of the index.
    """
    method = _resolve(method)
    keys = {used: _key(index_id, method, used) for used in METHODS}
    found = read_points(folder, method, n_clips, keys)
    return None if found is None else Coordinates(*found)


def compute_coordinates(vectors: np.ndarray, method: str) -> Coordinates:
    """Compute the coordinates of clips, the same each time.

    Parameters
    ----------
    vectors : ndarray of shape (n_clips, width), float32
        One unit vector for each clip.
    method : {"umap", "pca"}
    """
    umap = _import_umap() if method == "umap" else None
    places = _by_pca(vectors)
    if umap is None or _count_different(places) < _FEWEST:
        return Coordinates(to_grid(places), "pca")
    return Coordinates(to_grid(_by_umap(umap, vectors, places)), "umap")


def to_grid(places: np.ndarray) -> np.ndarray:
    """Coordinates (n_clips, 2), uint16, that fill the square of 65536 in one direction or both."""
    if not len(places):
        return np.zeros((0, 2), np.uint16)
    low, high = places.min(axis=0), places.max(axis=0)
    extent = float((high - low).max())
    scale = _LARGEST / extent if extent > _NOTHING else 0.0
    centred = (places - (low + high) / 2) * scale + _LARGEST / 2
    return np.clip(np.rint(centred), 0, _LARGEST).astype(np.uint16)


def _resolve(method: str) -> str:
    if method == "auto":
        return "pca" if why_no_umap() else "umap"
    if method not in METHODS:
        raise ValueError(f"method={method!r} must be 'auto', 'umap' or 'pca'")
    return method


def _key(index_id: str | None, asked: str, used: str) -> str:
    return f"{index_id} {asked} {used}"


def _import_umap():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells which other packages it could use
        return import_optional("umap", extra="serve", purpose="A map by UMAP (method='umap')")


def _by_pca(vectors: np.ndarray) -> np.ndarray:
    """The two directions in which a sample of the vectors varies most; vectors block by block."""
    places = np.zeros((len(vectors), 2), np.float32)
    if len(vectors) < 2:
        return places
    from sklearn.decomposition import PCA

    rows = np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), _SAMPLE)).astype(int))
    n_components = min(2, len(rows), vectors.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):  # of vectors that are all the same
        pca = PCA(n_components, random_state=0).fit(vectors[rows])
    for start in range(0, len(vectors), _AT_ONCE):
        block = vectors[start : start + _AT_ONCE]
        places[start : start + _AT_ONCE, :n_components] = pca.transform(block)
    return places


def _count_different(places: np.ndarray) -> int:
    return len(np.unique((places / _NOTHING).round(), axis=0))


def _by_umap(umap, vectors: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Start from the places that PCA gives: this keeps the large picture, and never fails."""
    n_neighbors = min(_NEIGHBOURS, len(vectors) - 1)
    options = {}
    if len(vectors) <= _MOST_EXACT:
        options["precomputed_knn"] = _find_neighbours(vectors, n_neighbors)
    start = (10 * places / np.abs(places).max()).astype(np.float32)
    mapper = umap.UMAP(
        n_neighbors=n_neighbors, metric="cosine", init=start, random_state=0, n_jobs=1, **options
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it could not place further clips later
        return mapper.fit_transform(np.asarray(vectors))


def _find_neighbours(vectors: np.ndarray, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the nearest vectors, the own one first, and one minus their cosines."""
    from sklearn.neighbors import NearestNeighbors

    finder = NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute").fit(vectors)
    distances, rows = finder.kneighbors(vectors)
    return rows.astype(np.int32), (distances**2 / 2).astype(np.float32)
