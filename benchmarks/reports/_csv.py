"""All numbers as tables in CSV files, each with one observation a row."""

from dataclasses import asdict

import pandas as pd

from benchmarks.reports import published
from benchmarks.reports._facts import numbers_of
from benchmarks.reports._map_labels import name_labels

_KEY = ("task", "dataset", "system")
_SCORE_COLUMNS = [
    "kind",
    "measure",
    "value",
    "spread",
    "n",
    "published",
    "difference",
    "source",
    "seconds",
    "cpu_seconds",
    "notes",
    "problem",
]


def make_csv(results, facts):
    """Every file is written, also one without rows, so that none of an earlier run is left.

    Parameters
    ----------
    results : Results
    facts : dict

    Returns
    -------
    dict of str to DataFrame
        By the name of the file.
    """
    tables = {
        "scores.csv": (_scores, _SCORE_COLUMNS),
        "folds.csv": (_folds, ["fold"]),
        "curves.csv": (_curves, ["share", "n", "draw", "score"]),
        "confusion.csv": (_confusions, ["true", "found", "count"]),
        "map_points.csv": (_points, ["label", "x", "y"]),
    }
    frames = {
        name: _tabulate(results.cells, rows_of, columns)
        for name, (rows_of, columns) in tables.items()
    }
    frames["history.csv"] = _history(facts.get("history") or [])
    numbers = pd.DataFrame([asdict(number) for number in published.PUBLISHED])
    numbers.insert(1, "task", numbers.pop("task"))
    frames["published.csv"] = numbers
    return frames


def _tabulate(cells, rows_of, columns):
    rows = [
        {**{name: getattr(cell, name) for name in _KEY}, **row}
        for cell in cells
        for row in rows_of(cell)
    ]
    frame = pd.DataFrame(rows)
    return frame.reindex(columns=list(dict.fromkeys([*_KEY, *columns, *frame.columns])))


def _scores(cell):
    """A row for each measure, control and further number; for a cell that failed its problem."""
    common = {
        "n": cell.n,
        "seconds": cell.seconds,
        "cpu_seconds": cell.cpu_seconds,
        "notes": "; ".join(cell.notes),
    }
    if cell.problem is not None:
        yield {"kind": "problem", **common, "problem": str(cell.problem)}
    for measure, value in cell.scores.items():
        row = {"kind": "score", "measure": measure, "value": value, **common}
        row["spread"] = cell.spread.get(measure)
        number = published.find(cell.task, cell.dataset, cell.system, measure)
        if number is not None:
            row |= {"published": number.value, "source": number.source}
            if number.comparable and value is not None:
                row["difference"] = value - number.value
        yield row
    for name, value in cell.controls.items():
        control = {"kind": f"control: {name}", "measure": cell.measure, "value": value}
        yield {**control, **common}
    for name, value in numbers_of(cell.details):
        yield {"kind": "detail", "measure": name, "value": value, **common}


def _folds(cell):
    return cell.details.get("folds") or []


def _curves(cell):
    for point in cell.details.get("curve") or []:
        for draw, score in enumerate(point["scores"], 1):
            yield {"share": point["share"], "n": point.get("n"), "draw": draw, "score": score}


def _confusions(cell):
    """Counts that are not zero: with hundreds of classes most are."""
    classes = cell.details.get("classes") or []
    for true, counts in zip(classes, cell.details.get("confusion") or [], strict=False):
        for found, count in zip(classes, counts, strict=True):
            if count:
                yield {"true": true, "found": found, "count": count}


def _points(cell):
    if cell.details.get("points") and cell.details.get("labels"):
        for (x, y), label in zip(cell.details["points"], name_labels(cell), strict=True):
            yield {"label": label, "x": x, "y": y}


def _history(history):
    frames = [pd.DataFrame(run["rows"]).assign(seed=run["seed"]) for run in history]
    return pd.concat(frames) if frames else pd.DataFrame(columns=["seed", "epoch"])
