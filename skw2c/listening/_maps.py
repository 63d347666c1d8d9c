"""The map of a library: coordinates that are read, or computed in a thread, one map at a time."""

from __future__ import annotations

import threading

from ..maps._coordinates import (
    METHODS,
    Coordinates,
    find_coordinates,
    read_coordinates,
    why_no_umap,
)
from ._library import Library
from ._problems import ProblemError

READY, COMPUTING, ABSENT = "ready", "computing", "absent"


class Maps:
    """Coordinates of the clips of a library, by each method.

    Parameters
    ----------
    library : Library
    """

    def __init__(self, library: Library):
        self._library = library
        self._lock = threading.Lock()
        self._computing = threading.Lock()
        self._running: set[tuple] = set()
        self._found: dict[tuple, Coordinates] = {}
        self._problems: dict[tuple, str] = {}

    def describe(self, method: str | None) -> dict:
        """How far the map of a method is; of UMAP where none is named and it is installed."""
        lack = why_no_umap()
        method = self._check(method or ("umap" if lack is None else "pca"))
        key, found = self._key(method), self.find(method)
        state = READY if found is not None else COMPUTING if key in self._running else ABSENT
        return {
            "state": state,
            "method": method if found is None else found.method,
            "n": len(self._library.items),
            "message": self._problems.get(key),
            "umap": {"available": lack is None, "why": lack},
        }

    def find(self, method: str) -> Coordinates | None:
        """The coordinates, if they are known."""
        key = self._key(self._check(method))
        if key not in self._found:
            folder, n_clips = self._library.folder, len(self._library.items)
            known = read_coordinates(folder, self._library.id, n_clips, method)
            if known is None:
                return None
            self._found[key] = known
        return self._found[key]

    def start(self, method: str) -> None:
        """Compute the coordinates in a thread, unless they are known or being computed."""
        vectors, key = self._library.vectors_of_clips(), self._key(self._check(method))
        if self.find(method) is not None:
            return
        with self._lock:
            if key in self._running:
                return
            self._running.add(key)
        arguments = key, method, vectors
        threading.Thread(
            target=self._compute, args=arguments, name="skw2c-map", daemon=True
        ).start()

    def _compute(self, key: tuple, method: str, vectors) -> None:
        try:
            with self._computing:
                found = find_coordinates(
                    vectors, method, folder=self._library.folder, index_id=key[0]
                )
            self._found[key] = found
            self._problems.pop(key, None)
        except Exception as exc:
            self._problems[key] = str(exc) or type(exc).__name__
        finally:
            self._running.discard(key)

    def _key(self, method: str) -> tuple[str, str]:
        return self._library.id, method

    def _check(self, method: str) -> str:
        if method not in METHODS:
            raise ProblemError(400, f"method={method[:40]!r} must be {' or '.join(METHODS)}")
        return method
