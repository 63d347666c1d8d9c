"""Which tables there are: those of the papers, and the same layouts for other data."""

from benchmarks.reports import published
from benchmarks.reports._blocks import Folded, Section, Text
from benchmarks.reports._drawings import drawing_of, place_of, section_of
from benchmarks.reports._grid import Grid, Line
from benchmarks.reports._results import PER_CENT, unique
from benchmarks.tasks.figures import BEST_KNOWN, PRECISION

_BEST = "The best of ours is bold."


def make_tables(results, colours):
    """Sections of tables, so that every score and problem stands in one of them.

    Parameters
    ----------
    results : Results
    colours : dict of str to str
        By system.

    Returns
    -------
    list of Section
    """
    sections, idle, shown = [], [], set()
    for paper in published.PAPER_TABLES:
        grid = _LAYOUTS[paper.rows](results, paper)
        title = f"{paper.source}: {paper.title}"
        table = grid.table(paper.caption, paper.corner, colours)
        keys = grid.keys()
        shown |= keys
        if keys:
            sections.append(Section(title, [table]))
        else:
            idle.append(Folded(f"{title}: none of it was run", [table]))
    own = [Section(title, [table]) for title, table in _make_own(results, shown, colours)]
    return sections + own + ([_quote(idle)] if idle else [])


def _quote(folded):
    text = "Tables of the papers of which nothing was run here, for comparison."
    return Section("Published numbers", [Text(text), *folded])


# ---- tables of the papers


def _systems_in_rows(results, paper):
    """A row for each system, and another for its use in a task that stands in the same columns."""
    figures = published.figures_in(paper)
    keys = unique((n.task, n.dataset, n.measure) for n in figures if not drawing_of(n.task).rows_of)
    known = [*figures, *(_cells_of(results, keys) if paper.ours else [])]
    systems = unique(item.system for item in known if not drawing_of(item.task).rows_of)
    systems.sort(key=lambda name: name == BEST_KNOWN)
    second = unique((item.task, item.system) for item in known if drawing_of(item.task).rows_of)
    return Grid(results, _rows(systems, second), _columns(keys), paper.unit, paper)


def _cells_of(results, keys):
    """The cells of these columns, and those that stand in them as other rows."""
    wanted = {key[:2] for key in keys}
    return [
        cell
        for cell in results.cells
        if (drawing_of(cell.task).rows_of or cell.task, cell.dataset) in wanted
    ]


def _columns(keys):
    """Columns that say what differs: task, data set, measure."""
    tasks, datasets, measures = (unique(key[k] for key in keys) for k in range(3))
    return [
        Line(
            measure if len(datasets) == 1 else dataset,
            dict(task=task, dataset=dataset, measure=measure),
            task if len(tasks) > 1 else "",
            measure if len(datasets) > 1 and len(measures) > 1 else "",
        )
        for task, dataset, measure in keys
    ]


def _data_in_rows(results, paper):
    """A row for each task, data set and measure."""
    figures = published.figures_in(paper)
    rows = [
        Line(dataset, dict(task=task, dataset=dataset, measure=measure), "", f"{task}, {measure}")
        for task, dataset, measure in unique((n.task, n.dataset, n.measure) for n in figures)
    ]
    columns = [Line(name, dict(system=name)) for name in unique(n.system for n in figures)]
    return Grid(results, rows, columns, paper.unit, paper)


def _queries_in_rows(results, paper):
    """A row for each data set, and columns for the measures of each system."""
    figures = published.figures_in(paper)
    keys = unique((n.task, n.dataset) for n in figures)
    rows = [Line(dataset, dict(task=task, dataset=dataset)) for task, dataset in keys]
    ours = [cell.system for cell in results.cells if (cell.task, cell.dataset) in keys]
    systems = unique([*(n.system for n in figures), *ours])
    columns = _by_system(systems, unique(n.measure for n in figures))
    return Grid(results, rows, columns, paper.unit, paper)


_LAYOUTS = {"systems": _systems_in_rows, "data": _data_in_rows, "queries": _queries_in_rows}


# ---- tables of what the papers have no place for


def _make_own(results, shown, colours):
    """Pairs of a title and a table."""
    seen = {key[:3] for key in shown}
    left = []  # cells, and their measures that stand nowhere yet
    for cell in results.cells:
        key = cell.task, cell.dataset, cell.system
        measures = [measure for measure in cell.scores if (*key, measure) not in shown]
        if measures:
            left.append((cell, measures))
        elif cell.problem is not None and key not in seen:
            left.append((cell, [""]))
    shared = [item for item in left if drawing_of(item[0].task).table == "shared"]
    if shared:
        yield "Classification, zero-shot, retrieval", _own_shared(results, shared, colours)
    others = [item for item in left if drawing_of(item[0].task).table != "shared"]
    for task in unique(cell.task for cell, _ in others):
        own = [(cell, measures) for cell, measures in others if cell.task == task]
        make = _own_data if drawing_of(task).table == "data" else _own_systems
        yield section_of(task), make(results, task, own, colours)


def _own_shared(results, left, colours):
    """As table 2 of Wav2CLIP: a row for each system, and one for its zero-shot use."""
    left = sorted(left, key=lambda item: place_of(item[0].task))
    keys = [
        (drawing_of(cell.task).rows_of or cell.task, cell.dataset, measure)
        for cell, measures in left
        for measure in measures
    ]
    keys = _without_nameless(unique(keys))
    columns = [
        Line(dataset, dict(task=task, dataset=dataset, measure=measure), task, measure)
        for task, dataset, measure in sorted(keys, key=lambda key: place_of(key[0]))
    ]
    main = [cell for cell, _ in left if not drawing_of(cell.task).rows_of]
    more = {cell.task: [] for cell, _ in left if drawing_of(cell.task).rows_of}
    for cell, _ in left:
        more.get(cell.task, []).append(cell)
    second = [(task, name) for task, cells in more.items() for name in _in_order(results, cells)]
    grid = Grid(results, _rows(_in_order(results, main), second), columns)
    caption = f"Layout of table 2 of the Wav2CLIP paper, data without published numbers. {_BEST}"
    return grid.table(caption, "system", colours)


def _own_systems(results, task, left, colours):
    # The order of columns is that of the cell with most of them: others may leave some out.
    fullest = sorted(left, key=lambda item: -len(item[1]))
    found = unique((cell.dataset, measure) for cell, measures in fullest for measure in measures)
    columns = [
        Line(measure, dict(task=task, dataset=dataset, measure=measure), dataset)
        for dataset, measure in _without_nameless(found)
    ]
    columns.sort(key=lambda column: [dataset for dataset, _ in found].index(column.group))
    rows = _rows(_in_order(results, [cell for cell, _ in left]))
    caption = f"{task.capitalize()}, by data set. {_BEST}"
    return Grid(results, rows, columns).table(caption, "system", colours)


def _own_data(results, task, left, colours):
    rows = [
        Line(name, dict(task=task, dataset=name)) for name in unique(c.dataset for c, _ in left)
    ]
    systems = _in_order(results, [cell for cell, _ in left])
    measures = unique(m for _, measures in left for m in measures if m) or [PRECISION]
    caption = f"Layout of table 4 of the AudioCLIP paper, in per cent. {_BEST}"
    grid = Grid(results, rows, _by_system(systems, measures), PER_CENT)
    return grid.table(caption, "data and direction", colours)


def _without_nameless(keys):
    """Leave out columns without a measure, of failed cells, where others have one."""
    named = {key[:-1] for key in keys if key[-1]}
    return [key for key in keys if key[-1] or key[:-1] not in named]


def _rows(systems, second=()):
    """A row for each system, and for pairs of another task and a system."""
    rows = [Line(name, dict(system=name)) for name in systems]
    return rows + [Line(f"{name}, {task}", dict(system=name, task=task)) for task, name in second]


def _by_system(systems, measures):
    return [
        Line(measure, dict(system=system, measure=measure), system)
        for system in systems
        for measure in measures
    ]


def _in_order(results, cells):
    """Systems of cells, in the order in which the whole report has them."""
    present = {cell.system for cell in cells}
    return [name for name in results.systems() if name in present]
