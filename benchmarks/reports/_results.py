"""Cells by what they are of, and short texts about them."""

import math
import textwrap
from dataclasses import asdict, dataclass, replace

from benchmarks.reports._texts import as_plain

BADGES = {
    "generated world": (
        "generated",
        "Measured in a generated world of synthetic sounds, drawings and captions. It shows that "
        "the system works from end to end, and says nothing of real recordings.",
    ),
    "random weights": (
        "random weights",
        "The network was drawn at random and never trained. It shows that the program runs, and "
        "what trained weights have to beat.",
    ),
    "learned from real": (
        "real sound",
        "The network learned from real recordings, and from nothing of the generated world.",
    ),
    "in-domain": (
        "in-domain",
        "The network was trained before on this very data set: the figure is no measure of how "
        "well it carries over to other data.",
    ),
}
"""By the beginning of a note: its badge, and what that means."""

OF_DATA, OF_SYSTEMS = ("generated",), ("random weights", "real sound")
"""Badges that are printed once for a data set, or a system, where all of its cells have them."""


class Results:
    """The cells of a report.

    Parameters
    ----------
    cells : iterable of Cell
    """

    def __init__(self, cells):
        self.cells = []
        self._by_key = {}
        for cell in cells:
            self._add(cell)
        self.problems = [cell for cell in self.cells if cell.problem is not None]

    def _add(self, cell):
        cell = replace(cell, **as_plain(asdict(cell)))
        name, number = cell.system, 1
        while (cell.task, cell.dataset, cell.system) in self._by_key:
            number += 1  # nothing that was measured is left out
            cell = replace(cell, system=f"{name} ({number})")
        self._by_key[cell.task, cell.dataset, cell.system] = cell
        self.cells.append(cell)

    def find(self, task, dataset, system):
        """The cell of this, or None."""
        return self._by_key.get((task, dataset, system))

    def of(self, task):
        """The cells of a task."""
        return [cell for cell in self.cells if cell.task == task]

    def holding(self, *names):
        """The cells that have no problem, and all of these details."""
        return [
            cell
            for cell in self.cells
            if cell.problem is None and all(cell.details.get(name) for name in names)
        ]

    def systems(self):
        """Names of all systems, in order of appearance."""
        return unique(cell.system for cell in self.cells)

    def anchor(self, cell):
        """Where the problem of a cell is told in full."""
        return f"problem-{self.problems.index(cell) + 1}"

    def badges(self):
        """Pairs of the badges in use and what they mean."""
        used = {badge for cell in self.cells for badge in badges_of(cell)}
        return [(name, meaning) for name, meaning in BADGES.values() if name in used]


def unique(items):
    """Each item once, in order of appearance."""
    return list(dict.fromkeys(items))


def group_by(cells, key):
    """Lists of cells by their ``key``, in order of appearance."""
    groups = {}
    for cell in cells:
        groups.setdefault(key(cell), []).append(cell)
    return groups


def badges_of(cell):
    """Names of the badges of a cell."""
    return [
        badge
        for start, (badge, _) in BADGES.items()
        if any(note.lower().startswith(start) for note in cell.notes)
    ]


def remarks_of(cell):
    """The notes of a cell that tell more than a badge does."""
    notes = [note for note in cell.notes if note and note.lower() not in BADGES]
    return [note[0].upper() + note[1:] for note in notes]


def shorten_problem(problem):
    """The beginning of a problem, or for an exception its name."""
    problem = str(problem).strip() or "failed"
    name = problem.partition(":")[0]
    if name.endswith(("Error", "Exception", "Interrupt")) and name.isidentifier():
        return name
    return textwrap.shorten(problem, 36, placeholder=" …")


@dataclass(frozen=True)
class Unit:
    """How a table prints scores: multiplied by ``scale``, to ``digits`` decimals."""

    scale: int
    digits: int
    name: str

    def print(self, value):
        """Our value."""
        return self._print(value, "", self.digits)

    def print_published(self, number):
        """A published number, to the digits that are published."""
        digits = number.digits - round(math.log10(self.scale))
        return self._print(number.value, "", max(digits, 0))

    def print_difference(self, difference):
        """With its sign."""
        return self._print(difference, "+", self.digits)

    def _print(self, value, sign, digits):
        if not is_number(value):
            return "undefined"
        return f"{value * self.scale:{sign}.{digits}f}".replace("-", "\N{MINUS SIGN}")


PROPORTION = Unit(1, 3, "proportions")
FINE_PROPORTION = Unit(1, 4, "proportions")
PER_CENT = Unit(100, 2, "per cent")


def is_number(value):
    """Whether a score is there, and finite."""
    return value is not None and math.isfinite(value)
