"""Tables of what is known of clips, and which of their rows belongs to which clip."""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..system._text_file import read_text
from ._colours import Colouring, gather_values

_MOST_NUMBERS = 20  # different ones, above which they are put into ranges
_RANGES = 8


def read_item_table(path: str | os.PathLike):
    """Read a CSV or TSV file, the names of the clips in its first column, as a DataFrame of str.

    Raises
    ------
    ValueError
        If the file is not such a table. The message names it.
    OSError
        If it cannot be read.
    """
    import io

    import pandas as pd

    path = os.fspath(path)
    separator = "\t" if path.lower().endswith(".tsv") else ","
    text = io.StringIO(read_text(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it would drop cells beyond the last heading
            # All as strings: pandas would read the name 007 as 7, and NA as missing.
            table = pd.read_csv(
                text, sep=separator, dtype=str, keep_default_na=False, index_col=False
            )
    except (ValueError, pd.errors.ParserWarning) as exc:
        raise ValueError(f"{path!r} is not a table ({str(exc).strip()})") from exc
    if not columns_of(table):
        raise ValueError(
            f"{path!r} has one column, {table.columns[0]!r}: a table needs the names of the clips "
            "in its first column, and what to colour them by in others"
        )
    return table


def columns_of(table) -> list[str]:
    """Names of the columns to colour clips by: all but the first."""
    return [str(name) for name in table.columns[1:]]


def colour_by_column(items: Sequence, table, column: str) -> Colouring:
    """Categories by a column of a table.

    More than 20 different numbers become ranges. Of other values, the most frequent remain.

    Parameters
    ----------
    items : sequence
        Names of the clips.
    table : DataFrame
        Names of clips in the first column: as in ``items``, or the last parts of their paths,
        such as the name of the file alone.
    column : str
        Name of the column. Empty cells are no category.

    Raises
    ------
    ValueError
        If there is no such column, a name stands for several clips, two rows give a clip
        different values, or no row names a clip.
    """
    if column not in columns_of(table):
        known = ", ".join(map(repr, columns_of(table)))
        raise ValueError(f"the table does not have a column {column!r}; its columns are {known}")
    names = [str(name) for name in table.iloc[:, 0]]
    cells = [_as_text(cell) for cell in table.iloc[:, columns_of(table).index(column) + 1]]
    return _colour(column, _values_of(items, names, cells, column))


def _as_text(cell) -> str | None:
    """A cell of any type as text; None for an empty one."""
    if cell is None or cell != cell:  # NaN
        return None
    return str(cell).strip() or None


def _values_of(items: Sequence, names: list[str], cells: list, column: str) -> list[str | None]:
    find = _Finder(items)
    values: list[str | None] = [None] * len(items)
    given: dict[int, str] = {}
    for name, cell in zip(names, cells, strict=True):
        for number in find(name):
            other = given.setdefault(number, name)
            if other is not name and values[number] != cell:
                raise ValueError(
                    f"the table has two rows for the clip {items[number]!r}, with {column}="
                    f"{values[number]!r} and {cell!r}: remove one"
                )
            values[number] = cell
    if not given and len(items) and names:
        raise ValueError(
            "the first column of the table does not name any clip of the index: it begins with "
            f"{names[0]!r}, and the index with {items[0]!r}"
        )
    return values


class _Finder:
    """Numbers of the clips of a name: the name itself, or the last parts of a path."""

    def __init__(self, items: Sequence):
        self._whole, self._last, self._items = defaultdict(list), defaultdict(list), items
        for number, item in enumerate(items):
            self._whole[str(item)].append(number)
            self._last[_parts(str(item))[-1]].append(number)

    def __call__(self, name: str) -> list[int]:
        if name in self._whole:
            return self._whole[name]
        wanted = _parts(name)
        found = [k for k in self._last[wanted[-1]] if self._ends(k, wanted)]
        different = {self._items[number] for number in found}
        if len(different) > 1:
            one, other = sorted(map(str, different))[:2]
            raise ValueError(
                f"the name {name!r} in the table stands for {len(different)} clips, such as "
                f"{one!r} and {other!r}: put their folders before the names in the table"
            )
        return found

    def _ends(self, number: int, wanted: list[str]) -> bool:
        return _parts(str(self._items[number]))[-len(wanted) :] == wanted


def _parts(name: str) -> list[str]:
    parts = name.replace(os.sep, "/").split("/")
    return parts[1:] if parts[0] == "." and len(parts) > 1 else parts


def _colour(title: str, values: list[str | None]) -> Colouring:
    numbers = [_as_number(value) for value in values if value is not None]
    if len(set(numbers)) <= _MOST_NUMBERS or None in numbers:
        return gather_values(title, values)
    return _colour_ranges(title, values, np.array(numbers))


def _as_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _colour_ranges(title: str, values: list[str | None], numbers: np.ndarray) -> Colouring:
    """Ranges that hold about as many clips each, from the lowest to the highest."""
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, _RANGES + 1)))
    of_given = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    result = np.full(len(values), -1, np.int16)
    result[[value is not None for value in values]] = of_given
    names = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    return Colouring(title, names, result)
