"""Vectors of clips kept on disk, by content and configuration."""

from __future__ import annotations

import os

import joblib
import numpy as np

# Raise it when the same clip, weights and configuration give other vectors than before.
_FORMAT = 3


class VectorStore:
    """Keep the vectors of each clip in a `joblib.Memory`.

    A clip is known by the checksum of its content, so a renamed file is found again and
    a changed one is not.

    Parameters
    ----------
    memory : None, str, os.PathLike or joblib.Memory
        None keeps nothing.
    configuration : tuple
        All else that the vectors depend on.
    """

    def __init__(self, memory, configuration: tuple):
        if isinstance(memory, (str, os.PathLike)):
            memory = joblib.Memory(os.path.expanduser(memory), verbose=0)
        self._recall = None if memory is None else memory.cache(keep_vectors, ignore=["vectors"])
        self._configuration = (_FORMAT, *configuration)

    def key(self, clip) -> str | None:
        """What the clip is found by; None where nothing is kept."""
        return None if self._recall is None else clip.digest()

    def get(self, key: str | None) -> np.ndarray | None:
        """The vectors of the clip, or None if it is not known."""
        if key is None:
            return None
        try:
            return self._recall(key, self._configuration, None)
        except UnknownClipError:
            return None

    def put(self, key: str | None, vectors: np.ndarray) -> None:
        """Keep the vectors of the clip."""
        if key is not None:
            self._recall(key, self._configuration, vectors)


class UnknownClipError(KeyError):
    """Nothing is kept of a clip."""


def keep_vectors(clip, configuration, vectors):
    """Stand for the computation: joblib keeps what it returns, under the other arguments."""
    if vectors is None:
        raise UnknownClipError(clip)
    return vectors
