"""The names of the classes that YAMNet was trained on."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources


@cache
def audioset_classes() -> tuple[str, ...]:
    """Display names in AudioSet of YAMNet's 521 classes, in the order of its scores."""
    file = resources.files(__package__).joinpath("audioset_classes.csv")
    rows = csv.DictReader(file.read_text("utf-8").splitlines())
    return tuple(row["display_name"] for row in rows)
