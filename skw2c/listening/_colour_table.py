"""A table of the sounds, whose columns the map can be coloured by."""

from __future__ import annotations

import os
from typing import Any

from ..maps._item_tables import columns_of, read_item_table
from ._problems import ProblemError


class ColourTable:
    """A table that is read when everything else is loaded.

    Parameters
    ----------
    path : str, os.PathLike or None
        The file; None: there is no table.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """

    def __init__(self, path: str | os.PathLike | None):
        if path is not None and not os.path.isfile(path):
            raise FileNotFoundError(f"table={os.fspath(path)!r} does not exist, or is not a file")
        self._path = path
        self._table: Any = None
        self._error: str | None = None

    def load(self) -> None:
        """Read the table; what is wrong with it is told when it is asked for."""
        if self._path is not None:
            try:
                self._table = read_item_table(self._path)
            except (ImportError, OSError, ValueError) as exc:
                self._error = str(exc)

    def columns(self) -> list[str]:
        """Names of the columns that can be asked for."""
        return [] if self._table is None else columns_of(self._table)

    def require(self):
        """The table.

        Raises
        ------
        ProblemError
            If there is none, or it could not be read.
        """
        if self._table is None:
            raise ProblemError(
                422, self._error or "there is no table: start the server with --table FILE.csv"
            )
        return self._table
