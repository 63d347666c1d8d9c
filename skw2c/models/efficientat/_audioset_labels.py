"""The names of the classes that recordings of AudioSet are labelled with."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources


@cache
def audioset_labels() -> tuple[str, ...]:
    """Display names of AudioSet's 527 classes, in the order of its file of indices."""
    file = resources.files(__package__).joinpath("audioset_labels.csv")
    rows = csv.DictReader(file.read_text("utf-8").splitlines())
    return tuple(row["display_name"] for row in rows)
