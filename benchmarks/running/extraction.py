"""Vectors of clips, computed once for each encoder, in pieces that survive a killed run."""

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

import joblib
import numpy as np

from skw2c.system._atomic import open_atomically

CLIPS_AT_ONCE = 64
VERSION = 1
"""Raise it when the same encoder gives the same clip another vector than before."""


class VectorCache:
    """Vectors of clips by encoder, in a folder.

    Pieces of some clips are computed through `joblib.Parallel`, so that whatever backend is
    set (``joblib.parallel_config``), also Dask's, can share them out.

    Parameters
    ----------
    folder : str or Path
    n_jobs : int or None
        Pieces that are computed at the same time, where the backend leaves it open.
    """

    def __init__(self, folder, n_jobs=None):
        self._folder = Path(folder)
        self._n_jobs = n_jobs

    def embed(self, clips, encoder, fingerprint):
        """Embed clips, each known by its content or, a file, by path, size and time.

        Parameters
        ----------
        clips : list
            Paths or waveforms.
        encoder : transformer
            A clip that it cannot read may be a row of NaN.
        fingerprint : str
            All that the vectors depend on beside the clip.

        Returns
        -------
        list of ndarray
            One item for each clip: (width,), or (n_frames, width) in frame mode.

        Raises
        ------
        ValueError
            If the encoder gives another number of rows than there are clips, vectors of
            several dimensions, or no numbers.
        """
        starts = range(0, len(clips), CLIPS_AT_ONCE)
        pieces = [clips[start : start + CLIPS_AT_ONCE] for start in starts]
        paths = [self._path(piece, fingerprint) for piece in pieces]
        found = [_recall(path) for path in paths]
        todo = [number for number, rows in enumerate(found) if rows is None]
        if todo:
            self._folder.mkdir(parents=True, exist_ok=True)
            parallel = joblib.Parallel(n_jobs=self._n_jobs)
            parallel(joblib.delayed(compute_piece)(encoder, pieces[k], paths[k]) for k in todo)
        for number in todo:
            found[number] = _read(paths[number])
        vectors = [row for rows in found for row in rows]
        widths = {row.shape[-1] for row in vectors}
        if len(widths) != 1:
            for path in paths:  # a corrected encoder starts from scratch
                path.unlink()
            raise ValueError(
                f"got vectors of dimension {' and '.join(map(str, sorted(widths)))} from the "
                "encoder, expected one dimension for all clips"
            )
        return vectors

    def _path(self, piece, fingerprint):
        digest = hashlib.sha256(f"{VERSION} {fingerprint}".encode())
        for clip in piece:
            digest.update(as_bytes(fingerprint_clip(clip)))
        return self._folder / f"{digest.hexdigest()[:32]}.npz"


def fingerprint_clip(clip):
    """What caches know a clip by."""
    if isinstance(clip, (str, os.PathLike)):
        facts = os.stat(clip)
        return f"{os.path.abspath(clip)} {facts.st_size} {facts.st_mtime_ns}"
    return joblib.hash(clip)


def as_bytes(text):
    """Text for a checksum; names of files may hold bytes that are not UTF-8."""
    return text.encode("utf-8", "surrogatepass")


def compute_piece(encoder, clips, path):
    """Embed some clips into a file, which appears whole or not at all."""
    vectors = encoder.transform(clips)
    if len(vectors) != len(clips):
        raise ValueError(f"the encoder gives {len(vectors)} rows for {len(clips)} clips")
    rows = [_check_row(row, number) for number, row in enumerate(vectors)]
    lengths = np.array([0 if row.ndim == 1 else len(row) for row in rows])
    with open_atomically(path) as file:
        np.savez(file, lengths=lengths, vectors=np.concatenate([np.atleast_2d(r) for r in rows]))


def _check_row(row, number):
    row = np.asarray(row)
    if row.dtype.kind not in "fiu" or row.ndim not in (1, 2) or row.shape[-1] == 0:
        raise ValueError(
            f"the encoder's row {number} has shape {row.shape} and type {row.dtype}, expected "
            "a vector of numbers, or (n_frames, width) in frame mode"
        )
    if np.isinf(row).any():
        raise ValueError(f"the encoder's row {number} contains infinite numbers")
    return row.astype(np.float32)


def _recall(path):
    """Vectors in a file; None where there is none, or a damaged one."""
    try:
        return _read(path)
    except (FileNotFoundError, BadZipFile, ValueError, EOFError, KeyError):
        return None


def _read(path):
    with np.load(path) as arrays:
        lengths, vectors = arrays["lengths"], arrays["vectors"]
    ends = np.cumsum(np.maximum(lengths, 1))
    parts = np.split(vectors, ends[:-1])
    return [part[0] if length == 0 else part for part, length in zip(parts, lengths, strict=True)]


@contextmanager
def backend(n_workers):
    """Share pieces out over a local cluster of Dask, where a number of workers is given."""
    if not n_workers:
        yield
        return
    from dask.distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster), joblib.parallel_config(backend="dask"):
        yield


def without_failed(vectors):
    """Which rows hold no NaN, as a mask; a clip that cannot be read is a row of NaN."""
    return np.array([not np.isnan(row).any() for row in vectors])
