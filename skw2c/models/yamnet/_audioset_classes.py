"""The names of the classes that YAMNet was trained on."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources


@cache
def audioset_classes() -> tuple[str, ...]:
    """Display names in AudioSet of YAMNet's 521 classes, in the order of its scores."""
    file = resources.files(__package__).joinpath("audioset_classes.csv")
    with file.open(encoding="utf-8", newline="") as lines:
        return tuple(row["display_name"] for row in csv.DictReader(lines))
