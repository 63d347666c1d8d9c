"""Vector databases that may hold an index: what one must offer, and what its rows say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..exceptions import OptionalDependencyError, SavedIndexError

COLUMNS = {
    "id": "text",  # of the vector
    "clip": "text",  # what the vectors of a clip have in common
    "window": "whole",  # number of the window in its clip; 0 in clip mode
    "windows": "whole",  # of the clip
    "position": "whole",  # of the clip among all, in the order in which they were added
    "write": "text",  # what wrote the row
    "item": "text",  # what the clip is called; JSON where that is a number
    "is_number": "truth",
    "path": "text",
    "is_named": "truth",  # whether the clip has a name of its own in place of the path
    "digest": "text",
    "size": "whole",  # bytes
    "modified": "whole",  # nanoseconds
    "changed": "whole",  # nanoseconds
    "seconds": "number",  # duration of the clip
    "start": "number",  # of the window, in seconds
    "end": "number",
    "folders": "texts",  # all that the file is in or below
}
"""What a row says beside its vector, and of which kind it is; all but the first six may be null."""

_LONGEST = 300  # letters of the reason that a database gives


@dataclass(frozen=True)
class Condition:
    """Which rows are meant: those for which all holds that is not None.

    Attributes
    ----------
    clips : sequence of str, or None
    folders : sequence of str, or None
        One of them is among the folders of the row.
    shortest, longest : float or None
        Limits of the duration in seconds; clips whose duration is not known do not fit.
    is_first : bool or None
        Whether they are the first windows of their clips.
    not_by : str or None
        Rows that this did not write.
    """

    clips: Sequence[str] | None = None
    folders: Sequence[str] | None = None
    shortest: float | None = None
    longest: float | None = None
    is_first: bool | None = None
    not_by: str | None = None


class StoreTable(Protocol):
    """The rows of one index in a database that is connected."""

    def read_identity(self) -> dict | None:
        """What was said of the index when it was made; None if there is none.

        Raises
        ------
        SavedIndexError
            If there is something else in its place.
        """

    def create(self, width: int, identity: dict) -> None:
        """Make an empty table for vectors of a width; an empty one of skw2c is replaced."""

    def drop(self) -> None:
        """Delete the table, if there is one."""

    def read_width(self) -> int:
        """Length of the vectors."""

    def write(self, rows: Sequence[dict], vectors: np.ndarray) -> None:
        """Write rows; those whose ``id`` is there are replaced."""

    def delete(self, condition: Condition) -> None:
        """Delete rows."""

    def count(self, condition: Condition) -> int:
        """Number of rows."""

    def read(self, condition: Condition, *, with_vectors: bool) -> Iterator[tuple]:
        """Rows in portions, in any order: a list, and their vectors (n_rows, width) or None."""

    def search(
        self, query: np.ndarray, k: int, condition: Condition, *, exact: bool
    ) -> tuple[list[dict], np.ndarray]:
        """The ``k`` nearest rows by the cosine, and their vectors, in any order."""

    def refresh(self) -> None:
        """Go over to what others have written since."""

    def optimize(self) -> None:
        """Do what makes searches quick again after many writes."""


class Store(Protocol):
    """Says where an index is; nothing is connected before it is used."""

    def connect(self) -> StoreTable:
        """Connect to the table."""


@contextmanager
def naming(store: Store, cure: str):
    """Let errors of a database name the store and what can be done.

    Raises
    ------
    ConnectionError
        If the database does not do what it should.
    """
    try:
        yield
    except (SavedIndexError, OptionalDependencyError, MemoryError):
        raise
    except Exception as exc:  # what databases raise depends on their version
        lines = str(exc).strip().splitlines()
        reason = lines[0][:_LONGEST] if lines else "no reason given"
        raise ConnectionError(
            f"{store!r} cannot be used: {reason} ({type(exc).__name__}). {cure}"
        ) from exc


def find_missing_columns(names: Sequence[str]) -> list[str]:
    """Columns of an index that are not among those of a table."""
    return [name for name in [*COLUMNS, "vector"] if name not in names]
