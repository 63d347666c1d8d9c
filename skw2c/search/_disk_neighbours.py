"""Nearest neighbours by codes that stay on disk."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from contextlib import suppress

import numpy as np

from ..exceptions import SavedIndexError
from ._arrays import open_buffer
from ._centres import PER_LIST, count_lists, draw_rows, find_centres
from ._list_file import ListFile, write_lists
from ._neighbours import ListNeighbours, naming_damage
from ._settings import check_settings


class DiskNeighbours(ListNeighbours):
    """Search lists by codes of one bit for each number (RaBitQ), in a file that is mapped.

    Almost nothing is held in memory, and a saved file is ready at once, however large it is.

    Parameters
    ----------
    vectors, recall, random_state
        As for `ListNeighbours`.
    path : str, os.PathLike or None, default=None
        The file to build. None: a temporary one.
    """

    method = "disk"
    path: str

    def __init__(
        self, vectors: np.ndarray, *, path=None, recall: float = 0.95, random_state: int = 0
    ):
        self.path = _temporary(self) if path is None else os.fspath(path)
        self._file: ListFile | None = None
        super().__init__(vectors, recall=recall, random_state=random_state)
        if self._file is not None:
            self._file.write_settings(self.path, self._settings)

    def save(self, path: str | os.PathLike) -> None:
        """Copy the file, or build it again if somebody removed it."""
        try:
            shutil.copyfile(self.path, path)
        except FileNotFoundError:
            DiskNeighbours(self.vectors, path=path)

    @classmethod
    def read(cls, path: str | os.PathLike, buffer, vectors: np.ndarray) -> DiskNeighbours:
        """As `load`, from the content of the file."""
        engine = cls.__new__(cls)
        engine.path, engine.vectors, engine._index = os.fspath(path), vectors, None
        with naming_damage(path):
            file, settings = ListFile.read(buffer, vectors.shape)
            engine._file, engine._settings = file, settings
            if file is not None and settings:
                check_settings(settings, file.n_lists)
                engine._index = file.assemble(path)
                file.check_codes(buffer, vectors)
        return engine

    def _build(self, random) -> None:
        n_lists = count_lists(len(self.vectors))
        sample = self.vectors[draw_rows(self.vectors, n_lists * PER_LIST, random)]
        centres = find_centres(sample, n_lists, random)
        del sample
        write_lists(self.path, centres, self.vectors)
        file, _ = ListFile.read(open_buffer(self.path), self.vectors.shape)
        self._file, self._index = file, file and file.assemble(self.path)

    def _forget(self) -> None:
        self._index = self._file = None
        ListFile.empty(self.path)

    def _check_rows(self, rows: np.ndarray) -> None:
        if rows.size and not (rows.min() >= -1 and rows.max() < len(self.vectors)):
            raise SavedIndexError(
                f"The saved index is damaged: {self.path!r} names vectors that there are none of. "
                "Put the file back from a copy, or build the index again."
            )


def _temporary(engine: DiskNeighbours) -> str:
    """The name of a new file that is removed with an engine."""
    handle, path = tempfile.mkstemp(prefix="skw2c-", suffix=".codes")
    os.close(handle)
    weakref.finalize(engine, _remove, path)
    return path


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
