"""Which tables there are: those of the papers, and the same layouts for other data."""

from benchmarks.reports._blocks import Folded, Section, Text
from benchmarks.reports._grid import Grid, Line
from benchmarks.reports._results import FINE_PROPORTION, PER_CENT, PROPORTION, unique
from benchmarks.tasks import published

_TASKS = ("classification", "zero-shot", "audio retrieval", "cross-modal retrieval")
_PLACE = "Each place: ours; below it what the paper prints, and our difference to it. "
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
    sections, shown = [], set()
    for make in (_wav2clip_2, _wav2clip_3, _audioclip_1, _audioclip_2, _audioclip_3, _audioclip_4):
        title, grid, corner, caption = make(results)
        keys = grid.keys()
        shown |= keys
        table = grid.table(caption, corner, colours)
        if keys:
            sections.append(Section(title, [table]))
        else:
            sections.append(Folded(f"{title}: none of it was run", [table]))
    own = [Section(title, [table]) for title, table in _make_own(results, shown, colours)]
    run = [section for section in sections if isinstance(section, Section)]
    idle = [section for section in sections if isinstance(section, Folded)]
    return run + own + ([_quote(idle)] if idle else [])


def _quote(folded):
    text = "Tables of the papers of which nothing was run here, for comparison."
    return Section("Published numbers", [Text(text), *folded])


def _wav2clip_2(results):
    columns = [
        Line(dataset, dict(task=task, dataset=dataset, measure=measure), task, measure)
        for task, dataset, measure in published.WAV2CLIP_COLUMNS
    ]
    keys = set(published.WAV2CLIP_COLUMNS)
    keys |= {("zero-shot", *key[1:]) for key in keys if key[0] == "classification"}
    systems, zero_shot = _systems_of(results, keys, "Wav2CLIP, table 2")
    caption = f"Layout of table 2 of the Wav2CLIP paper. {_PLACE}{_BEST}"
    grid = Grid(results, _rows(systems, zero_shot), columns, FINE_PROPORTION)
    return "Wav2CLIP, table 2: all tasks", grid, "system", caption


def _wav2clip_3(results):
    columns = [
        Line(measure, dict(task="captioning", dataset="Clotho", measure=measure))
        for measure in published.CAPTION_MEASURES
    ]
    keys = {("captioning", "Clotho", measure) for measure in published.CAPTION_MEASURES}
    systems, _ = _systems_of(results, keys, "Wav2CLIP, table 3")
    caption = f"Layout of table 3 of the Wav2CLIP paper, Clotho. {_PLACE}{_BEST}"
    grid = Grid(results, _rows(systems), columns, PROPORTION)
    return "Wav2CLIP, table 3: captioning", grid, "system", caption


def _audioclip_1(results):
    columns = [Line(name, dict(system=name)) for name in published.AUDIOCLIP_1_SYSTEMS]
    rows = _published_rows("AudioCLIP, table 1")
    caption = "Layout of table 1 of the AudioCLIP paper, in per cent."
    grid = Grid(results, rows, columns, PER_CENT)
    return "AudioCLIP, table 1: training of ESResNeXt", grid, "trained on", caption


def _audioclip_2(results):
    columns = [Line(name, dict(system=name)) for name in published.AUDIOCLIP_SYSTEMS]
    rows = _published_rows("AudioCLIP, table 2")
    caption = f"Layout of table 2 of the AudioCLIP paper, in per cent. {_PLACE}{_BEST}"
    grid = Grid(results, rows, columns, PER_CENT)
    return "AudioCLIP, table 2: classification", grid, "data", caption


def _audioclip_3(results):
    columns = [
        Line(dataset, dict(task="fine-tuning", dataset=dataset, measure=published.ACCURACY))
        for dataset in ("ESC-50", "UrbanSound8K")
    ]
    numbers = [n for n in published.PUBLISHED if n.source == "AudioCLIP, table 3"]
    systems = unique(n.system for n in numbers if n.task == "fine-tuning")
    zero_shot = unique(n.system for n in numbers if n.task == "zero-shot")
    grid = Grid(results, _rows(systems, zero_shot), columns, PER_CENT)
    caption = "Table 3 of the AudioCLIP paper, in per cent: what it quotes from others."
    return "AudioCLIP, table 3: other systems", grid, "system", caption


def _audioclip_4(results):
    rows = [
        Line(name, dict(task="querying", dataset=name))
        for name in unique(n.dataset for n in published.PUBLISHED if n.task == "querying")
    ]
    datasets = {row.text for row in rows}
    ours = [cell.system for cell in results.of("querying") if cell.dataset in datasets]
    systems = unique([*published.AUDIOCLIP_SYSTEMS, *ours])
    caption = (
        f"Layout of table 4 of the AudioCLIP paper, in per cent. {_PLACE}Only mean average "
        f"precision can be compared with the paper. {_BEST}"
    )
    grid = Grid(results, rows, _by_system(systems, published.QUERY_MEASURES), PER_CENT)
    return "AudioCLIP, table 4: querying", grid, "data and direction", caption


def _make_own(results, shown, colours):
    """Pairs of a title and a table of what the papers' tables have no place for."""
    seen = {key[:3] for key in shown}
    left = []  # cells, and their measures that stand nowhere yet
    for cell in results.cells:
        key = cell.task, cell.dataset, cell.system
        measures = [measure for measure in cell.scores if (*key, measure) not in shown]
        if measures:
            left.append((cell, measures))
        elif cell.problem is not None and key not in seen:
            left.append((cell, [""]))
    main = [(cell, measures) for cell, measures in left if cell.task in _TASKS]
    if main:
        yield "Classification, zero-shot, retrieval", _own_main(results, main, colours)
    for task in unique(cell.task for cell, _ in left if cell.task not in _TASKS):
        own = [(cell, measures) for cell, measures in left if cell.task == task]
        make = _own_querying if task == "querying" else _own_task
        yield "Maps" if task == "map" else task.capitalize(), make(results, task, own, colours)


def _own_main(results, left, colours):
    """As table 2 of Wav2CLIP: a row for each system, and one for its zero-shot use."""
    found = []
    for cell, measures in sorted(left, key=lambda item: _TASKS.index(item[0].task)):
        task = "classification" if cell.task == "zero-shot" else cell.task
        found += [(task, cell.dataset, measure) for measure in measures]
    found = _without_nameless(unique(found))
    columns = [
        Line(dataset, dict(task=task, dataset=dataset, measure=measure), task, measure)
        for task, dataset, measure in found
    ]
    columns.sort(key=lambda column: _TASKS.index(column.group))
    systems = _in_order(results, [cell for cell, _ in left if cell.task != "zero-shot"])
    zero_shot = _in_order(results, [cell for cell, _ in left if cell.task == "zero-shot"])
    grid = Grid(results, _rows(systems, zero_shot), columns)
    caption = f"Layout of table 2 of the Wav2CLIP paper, data without published numbers. {_BEST}"
    return grid.table(caption, "system", colours)


def _own_task(results, task, left, colours):
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


def _own_querying(results, task, left, colours):
    rows = [
        Line(name, dict(task=task, dataset=name)) for name in unique(c.dataset for c, _ in left)
    ]
    systems = _in_order(results, [cell for cell, _ in left])
    measures = unique(m for _, measures in left for m in measures if m) or [published.PRECISION]
    caption = f"Layout of table 4 of the AudioCLIP paper, in per cent. {_BEST}"
    grid = Grid(results, rows, _by_system(systems, measures), PER_CENT)
    return grid.table(caption, "data and direction", colours)


def _without_nameless(keys):
    """Leave out columns without a measure, of failed cells, where others have one."""
    named = {key[:-1] for key in keys if key[-1]}
    return [key for key in keys if key[-1] or key[:-1] not in named]


def _rows(systems, zero_shot=()):
    rows = [Line(name, dict(system=name)) for name in systems]
    return rows + [
        Line(f"{name}, zero-shot", dict(system=name, task="zero-shot")) for name in zero_shot
    ]


def _by_system(systems, measures):
    return [
        Line(measure, dict(system=system, measure=measure), system)
        for system in systems for measure in measures
    ]  # fmt: skip


def _published_rows(source):
    """A row for each task, data set and measure of a paper's table."""
    numbers = [number for number in published.PUBLISHED if number.source == source]
    keys = unique((n.task, n.dataset, n.measure) for n in numbers)
    return [
        Line(dataset, dict(task=task, dataset=dataset, measure=measure), "", f"{task}, {measure}")
        for task, dataset, measure in keys
    ]


def _systems_of(results, keys, source):
    """Systems of the paper and of cells with these tasks, data sets and measures."""
    known = [n for n in published.PUBLISHED if n.source == source]
    cells = [c for c in results.cells if (c.task, c.dataset) in {key[:2] for key in keys}]
    both = [*known, *cells]
    systems = unique(item.system for item in both if item.task != "zero-shot")
    zero_shot = unique(item.system for item in both if item.task == "zero-shot")
    return sorted(systems, key=lambda name: name == published.BEST_KNOWN), zero_shot


def _in_order(results, cells):
    """Systems of cells, in the order in which the whole report has them."""
    present = {cell.system for cell in cells}
    return [name for name in results.systems() if name in present]
