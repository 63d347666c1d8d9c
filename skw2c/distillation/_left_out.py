"""Clips that cannot be trained on, and are left out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..exceptions import LeftOutWarning
from ..system._warning import warn_caller

_GO_ON = "To leave such clips out and go on, pass on_error='nan'."


@dataclass
class LeftOut:
    """Rows that cannot be trained on: raised at once, or gathered for one warning.

    Attributes
    ----------
    on_error : {"raise", "nan"}
    causes : dict of int to (str or None, str)
        File and cause, by row.
    """

    on_error: str
    causes: dict[int, tuple[str | None, str]] = field(default_factory=dict)

    def add(self, row: int, file: str | None, error: Exception) -> None:
        """Note a failed row, or raise its error with the row's number."""
        if self.on_error == "raise":
            named = "" if file is None else f" ({file!r})"
            raise type(error)(f"Row {row}{named}: {error}. {_GO_ON}") from error
        self.causes.setdefault(row, (file, str(error)))

    def remaining(self, n_rows: int) -> np.ndarray:
        """Rows that did not fail; one warning lists the others."""
        if self.causes:
            listed = [(row, *cause) for row, cause in sorted(self.causes.items())]
            warn_caller(LeftOutWarning(listed, n_rows, "clip"))
        return np.array([row for row in range(n_rows) if row not in self.causes], dtype=np.int64)
