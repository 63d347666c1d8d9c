"""What the numbers were made with and from."""

import pandas as pd

from benchmarks.reports._blocks import Bullets, Code, Entry, Folded, Heading, Section, Table, Text

_SHOWN_ELSEWHERE = (
    "introduction",
    "history",
    "data",
    "command",
    "minutes",
    "CPU minutes",
    "peak memory",
)


def describe_data(facts):
    """Which data were found and which were missing, or None."""
    data = facts.get("data")
    if data is None or len(data) == 0:
        return None
    return Section("Data", [_as_table(data, "What of each data set was found.", "data set")])


def describe_environment(facts):
    """All other facts: command, versions, weights, seeds, and whatever else is given."""
    blocks = [Code(str(facts["command"]))] if facts.get("command") else []
    if facts.get("minutes") is not None:
        used = facts.get("CPU minutes")
        of_all = "" if used is None else f", and {used:.1f} minutes of all processors together"
        blocks.append(Text(f"It took {facts['minutes']:.1f} minutes{of_all}."))
    if facts.get("peak memory") is not None:
        memory = facts["peak memory"]
        memory = f"{memory:.1f} GB" if isinstance(memory, float) else memory
        blocks.append(Text(f"Peak memory: {memory}."))
    for name, value in facts.items():
        if name not in _SHOWN_ELSEWHERE and not _is_empty(value):
            blocks += _as_blocks(name, value)
    return Section("Environment", blocks)


def describe_problems(results):
    """Every cell without scores: its problem in full."""
    if not results.problems:
        return None
    folded = []
    for cell in results.problems:
        blocks = [Text(str(cell.problem)), *(Text(note) for note in cell.notes)]
        if cell.details.get("traceback"):
            blocks.append(Code(str(cell.details["traceback"]).rstrip()))
        title = f"{cell.task}, {cell.dataset}, {cell.system}"
        folded.append(Folded(title, blocks, results.anchor(cell)))
    text = "These could not be computed; all others do not depend on them."
    return Section("Problems", [Text(text), *folded])


def describe_details(results):
    """The first measure on each fold, and whatever numbers have no place in a table; or None."""
    cells = results.holding("folds")
    blocks = []
    for task, dataset in dict.fromkeys((cell.task, cell.dataset) for cell in cells):
        own = [cell for cell in cells if (cell.task, cell.dataset) == (task, dataset)]
        title = f"{dataset}, {task}: folds"
        caption = f"{dataset}, {task}: {own[0].measure} by fold."
        blocks.append(Folded(title, [_fold_table(own, caption)]))
    rows = [
        (Heading(f"{cell.dataset}, {cell.task}, {cell.system}: {name}"), [Entry(_print(value))])
        for cell in results.cells
        for name, value in numbers_of(cell.details)
    ]
    if rows:
        table = Table("Further numbers.", "what", [Heading("value")], rows)
        blocks.append(Folded("Further numbers", [table]))
    return Section("Behind the tables", blocks) if blocks else None


def numbers_of(details):
    """Names and values of single numbers among details, also from inside of dicts."""
    for name, value in details.items():
        if isinstance(value, dict):
            yield from ((f"{name}, {inner}", number) for inner, number in numbers_of(value))
        elif isinstance(value, int | float):
            yield name, value


def _fold_table(cells, caption):
    scores = {
        cell.system: {fold["fold"]: fold.get(cell.measure) for fold in cell.details["folds"]}
        for cell in cells
    }
    names = list(dict.fromkeys(name for row in scores.values() for name in row))
    rows = [
        (Heading(system), [Entry(_print(row.get(name))) for name in names])
        for system, row in scores.items()
    ]
    return Table(caption, "system", [Heading(f"fold {name}") for name in names], rows)


def _is_empty(value):
    return value is None or (hasattr(value, "__len__") and len(value) == 0)


def _as_blocks(name, value):
    title = name.capitalize()
    if isinstance(value, dict):
        value = pd.DataFrame({"": list(map(str, value)), "value": list(value.values())})
        return [_as_table(value, f"{title}.", name)]
    if isinstance(value, pd.DataFrame) or _is_list_of(value, dict):
        return [_as_table(value, f"{title}.", "")]
    if isinstance(value, list | tuple):
        if _is_list_of(value, int):
            return [Text(f"{title}: {', '.join(map(str, value))}.")]
        return [Text(f"{title}:"), Bullets([str(item) for item in value])]
    return [Text(f"{title}: {_print(value)}")]


def _is_list_of(value, kind):
    return isinstance(value, list | tuple) and all(isinstance(item, kind) for item in value)


def _as_table(rows, caption, corner):
    """A table of rows with names; the first column is the head of each row."""
    frame = pd.DataFrame(rows)
    names = [str(name) for name in frame.columns]
    columns = [Heading(name) for name in names[1:]]
    body = [
        (Heading(_print(values[0])), [Entry(_print(value), kind="prose") for value in values[1:]])
        for values in frame.itertuples(index=False, name=None)
    ]
    return Table(caption, names[0] or corner, columns, body)


def _print(value):
    if value is None or value is pd.NA or value != value:
        return "\N{EN DASH}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple | set):
        return ", ".join(map(str, value))
    return str(value)
