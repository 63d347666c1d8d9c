"""A table of cells: which stand where, what they share, and which is best."""

from dataclasses import dataclass, field

from benchmarks.reports import published
from benchmarks.reports._blocks import Entry, Heading, Table
from benchmarks.reports._results import (
    OF_DATA,
    OF_SYSTEMS,
    PROPORTION,
    badges_of,
    is_number,
    remarks_of,
    shorten_problem,
    unique,
)


@dataclass
class Line:
    """A row or a column: its name, and the part of a cell's key that it fixes.

    ``detail`` stands below the name in small print, ``group`` above the names of a group.
    Where both fix a part, the row's counts.
    """

    text: str
    key: dict
    group: str = ""
    detail: str = ""


@dataclass
class _Place:
    """What is known where a row and a column meet.

    ``dataset`` and ``system`` are the numbers of the lines, one a row and one a column, of
    which the former fixes the data set.
    """

    key: tuple
    cell: object
    published: object
    dataset: int
    system: int

    @property
    def measured(self):
        """Whether there is a cell that has no problem."""
        return self.cell is not None and self.cell.problem is None

    @property
    def score(self):
        return self.cell.scores.get(self.key[3]) if self.measured else None

    def controls(self):
        """Controls belong to the first measure only."""
        if not self.measured or self.key[3] != self.cell.measure:
            return {}
        return self.cell.controls


@dataclass
class _Shared:
    """What all cells of a row or column have in common, to be printed once."""

    badges: list = field(default_factory=list)
    n: int | None = None
    controls: dict = field(default_factory=dict)

    def lines(self, unit):
        return [*_print_n(self.n), *_print_controls(self.controls, unit)]


@dataclass
class Grid:
    """Cells in rows and columns.

    Parameters
    ----------
    results : Results
    rows, columns : list of Line
        Together they fix task, dataset, system and measure. Either the rows or the columns
        fix the data set; along these the best is sought.
    unit : Unit
    quoted : PaperTable or None
        Whose figures stand beside ours; None: of each place those of the first that has some.
    """

    results: object
    rows: list
    columns: list
    unit: object = PROPORTION
    quoted: object = None

    def __post_init__(self):
        self._by_column = "dataset" in self.columns[0].key
        self._places = [
            [self._look_up(row, column, r, c) for c, column in enumerate(self.columns)]
            for r, row in enumerate(self.rows)
        ]

    def _look_up(self, row, column, r, c):
        key = {**column.key, **row.key}
        key = tuple(key[name] for name in ("task", "dataset", "system", "measure"))
        cell = self.results.find(*key[:3])
        lines = (c, r) if self._by_column else (r, c)
        number = published.find(*key, self.quoted and self.quoted.source)
        return _Place(key, cell, number, *lines)

    def keys(self):
        """Task, dataset, system and measure of each place that has a cell."""
        return {place.key for row in self._places for place in row if place.cell is not None}

    def table(self, caption, corner, colours):
        """The table, with what rows and columns share in their heads."""
        places = [place for row in self._places for place in row]
        datasets = _by_number(places, lambda place: place.dataset, _share_data)
        systems = _by_number(places, lambda place: place.system, _share_systems)
        best, notes = _find_best(places), []
        over, beside = (datasets, systems) if self._by_column else (systems, datasets)
        columns = [self._head(*pair, colours) for pair in zip(self.columns, over, strict=True)]
        rows = [self._head(*pair, colours) for pair in zip(self.rows, beside, strict=True)]
        entries = [
            [self._entry(p, datasets[p.dataset], systems[p.system], best, notes) for p in row]
            for row in self._places
        ]
        return Table(caption, corner, columns, list(zip(rows, entries, strict=True)), notes)

    def _head(self, line, shared, colours):
        colour = colours.get(line.key.get("system"), "")
        lines = [line.detail] if line.detail else []
        lines += shared.lines(self.unit)
        return Heading(line.text, line.group, lines, shared.badges, colour)

    def _entry(self, place, dataset, system, best, notes):
        entry = Entry(kind="" if place.measured else "empty")
        if place.measured:
            self._fill(entry, place, dataset, system)
            entry.strong = place.score is not None and place.score == best.get(_rival(place))
        elif place.cell is not None:
            entry.kind, entry.text = "problem", shorten_problem(place.cell.problem)
            entry.link = self.results.anchor(place.cell)
        if place.cell is not None:
            entry.marks = [_number(remark, notes) for remark in unique(remarks_of(place.cell))]
        if place.published is not None:
            entry.published = self._print_published(place)
            note = place.published.note
            entry.published_marks = [_number(note, notes)] if note else []
        return entry

    def _fill(self, entry, place, dataset, system):
        cell, measure = place.cell, place.key[3]
        if measure not in cell.scores:
            entry.kind = "empty"
            return
        entry.text = self.unit.print(place.score)
        if is_number(cell.spread.get(measure)):
            entry.spread = f"± {self.unit.print(cell.spread[measure])}"
        shown = {*dataset.badges, *system.badges}
        entry.badges = [badge for badge in badges_of(cell) if badge not in shown]
        entry.lines += _print_n(None if dataset.n == cell.n else cell.n)
        own = {k: v for k, v in place.controls().items() if k not in dataset.controls}
        entry.lines += _print_controls(own, self.unit)

    def _print_published(self, place):
        word = self.quoted.word if self.quoted else "paper"
        text = f"{word} {self.unit.print_published(place.published)}"
        if place.published.comparable and is_number(place.score):
            difference = place.score - place.published.value
            text += f", {self.unit.print_difference(difference)}"
        return text


def _by_number(places, number_of, share):
    """What the places of each row, or of each column, share."""
    lines = {}
    for place in places:
        lines.setdefault(number_of(place), []).append(place)
    return [share([p for p in line if p.score is not None]) for _, line in sorted(lines.items())]


def _share_data(places):
    """What the cells of one data set have in common."""
    shared = _Shared(_common_badges(places, OF_DATA))
    counts = {place.cell.n for place in places}
    shared.n = counts.pop() if len(counts) == 1 else None
    controls = [place.controls() for place in places if place.controls()]
    if controls:
        shared.controls = {
            name: value
            for name, value in controls[0].items()
            if all(other.get(name) == value for other in controls)
        }
    return shared


def _share_systems(places):
    """What the cells of one system have in common."""
    return _Shared(_common_badges(places, OF_SYSTEMS))


def _common_badges(places, badges):
    return [b for b in badges if places and all(b in badges_of(place.cell) for place in places)]


def _rival(place):
    return place.dataset, place.key[3]


def _find_best(places):
    """The highest score of each measure and data set, where there are several."""
    scores = {}
    for place in places:
        if is_number(place.score):
            scores.setdefault(_rival(place), []).append(place.score)
    return {key: max(values) for key, values in scores.items() if len(values) > 1}


def _print_n(n):
    return [f"n = {n:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")] if n else []


def _print_controls(controls, unit):
    return [f"{name} {unit.print(value)}" for name, value in controls.items()]


def _number(note, notes):
    """Number of a note in the table, from 1; a new one is added."""
    if note not in notes:
        notes.append(note)
    return notes.index(note) + 1
