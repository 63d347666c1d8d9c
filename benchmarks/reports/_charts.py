"""Bars of systems, curves over the share of training data, and learning curves."""

from textwrap import fill

import numpy as np
import pandas as pd

from benchmarks.reports import published
from benchmarks.reports._blocks import Figures, Key
from benchmarks.reports._colours import mark_classes, mark_system
from benchmarks.reports._drawing import FAINT, drawing, place_legend, shorten
from benchmarks.reports._drawings import drawing_of
from benchmarks.reports._results import group_by, is_number, unique

_CONTROL_STYLES = ("--", ":", "-.")


def draw_bars(results, colours):
    """Bars of all systems, one panel for each task and data set, or None.

    Parameters
    ----------
    results : Results
    colours : dict of str to str

    Returns
    -------
    Figures or None
    """
    cells = [cell for cell in results.cells if cell.problem is None and is_number(cell.score)]
    cells = [cell for cell in cells if drawing_of(cell.task).bars]
    groups = group_by(cells, lambda cell: (cell.task, cell.dataset, cell.measure))
    panels = [
        _draw_bars(f"bars-{number}", *key, group, colours)
        for number, (key, group) in enumerate(groups.items(), 1)
    ]
    caption = (
        "The first measure of each task and data set. Thin lines: standard deviation. Broken "
        "lines: what the controls reach. Diamonds: what the papers print."
    )
    return Figures(caption, panels, width=290) if panels else None


def _draw_bars(name, task, dataset, measure, cells, colours):
    told = ", ".join(f"{cell.system} {cell.score:.3f}" for cell in cells)
    controls = unique(control for cell in cells for control in cell.controls)
    size = (3.4, 0.75 + 0.24 * len(cells) + 0.3 * -(-len(controls) // 2))
    with drawing(name, f"{task}, {dataset}, {measure}: {told}.", size) as (axes, panel):
        rows = np.arange(len(cells))
        spreads = [cell.spread.get(measure) for cell in cells]
        spreads = [spread if is_number(spread) else 0.0 for spread in spreads]
        axes.barh(
            rows,
            [cell.score for cell in cells],
            0.68,
            xerr=spreads,
            ecolor=FAINT[:7],
            color=[colours[cell.system] for cell in cells],
            error_kw={"linewidth": 1},
        )
        _draw_published(axes, cells)
        _draw_controls(axes, cells, controls)
        axes.set_yticks(rows, [shorten(cell.system, 24) for cell in cells])
        axes.invert_yaxis()
        axes.set_xlim(left=min(0, *(cell.score for cell in cells), 0))
        axes.set_xlabel(measure)
        title = f"{fill(dataset, 34)}\n{task}"
        axes.figure.suptitle(title, x=0.01, ha="left", fontsize=8, fontweight="bold")
        axes.tick_params(axis="y", length=0)
        return panel()


def _draw_published(axes, cells):
    for row, cell in enumerate(cells):
        number = published.find(cell.task, cell.dataset, cell.system, cell.measure)
        if number is not None and number.comparable:
            axes.plot(
                number.value,
                row,
                "D",
                markersize=4,
                markerfacecolor="white",
                markeredgecolor="black",
                markeredgewidth=0.8,
                zorder=4,
            )


def _draw_controls(axes, cells, controls):
    """A line over each bar that has the control: one long line where all have the same."""
    handles, colour = [], axes.xaxis.label.get_color()
    for control, style in zip(controls, _CONTROL_STYLES, strict=False):
        values = np.array([cell.controls.get(control, np.nan) for cell in cells], dtype=float)
        rows = np.arange(len(cells))
        lines = axes.vlines(
            values, rows - 0.5, rows + 0.5, colour, linestyle=style, linewidth=1, zorder=3
        )
        handles.append((lines, control))
    if handles:
        place_legend(axes, *zip(*handles, strict=True))


def draw_efficiency(results, colours):
    """Scores over the share of training data, one panel for each data set, or None."""
    groups = group_by(results.holding("curve"), lambda cell: cell.dataset)
    panels = [
        _draw_efficiency(f"efficiency-{number}", dataset, cells, colours)
        for number, (dataset, cells) in enumerate(groups.items(), 1)
    ]
    caption = (
        "Data efficiency, as figure 2 of the Wav2CLIP paper: the score over the share of the "
        "training data. Lines: mean of the draws; bands: from the lowest to the highest; "
        "broken line: chance."
    )
    return Figures(caption, panels, width=400) if panels else None


def _draw_efficiency(name, dataset, cells, colours):
    systems = [cell.system for cell in cells]
    told = f"Score over the share of training data of {dataset}, for {', '.join(systems)}."
    with drawing(name, told, (5.0, 3.4 + 0.18 * (len(cells) // 3))) as (axes, panel):
        shares, handles = set(), []
        measure = cells[0].measure.partition(" at ")[0] or "score"
        for cell in cells:
            curve = sorted(cell.details["curve"], key=lambda point: point["share"])
            curve = [point for point in curve if point["scores"] and point["share"] > 0]
            x = [point["share"] for point in curve]
            scores = [np.array(point["scores"], dtype=float) for point in curve]
            colour, marker = colours[cell.system], mark_system(cell.system, colours)
            handles += axes.plot(
                x,
                [s.mean() for s in scores],
                color=colour,
                marker=marker,
                markersize=4,
                linewidth=1.5,
            )
            axes.fill_between(
                x,
                [s.min() for s in scores],
                [s.max() for s in scores],
                color=colour,
                alpha=0.18,
                linewidth=0,
            )
            shares |= set(x)
            if is_number(cell.controls.get("chance")):
                axes.axhline(cell.controls["chance"], color=FAINT, linestyle="--", linewidth=1)
        axes.set_xscale("log")
        axes.set_xticks(sorted(shares), [f"{share:g} %" for share in sorted(shares)])
        axes.minorticks_off()
        axes.grid(color=FAINT, linewidth=0.4)
        axes.set(xlabel="share of the training data", ylabel=measure, title=dataset)
        place_legend(axes, handles, systems, columns=3)
        return panel()


def draw_history(history):
    """Learning curves of the `Distiller`, or None.

    Parameters
    ----------
    history : list of dict
        Each with ``seed`` and ``rows``, a table of ``epoch``, ``training_loss``,
        ``validation_loss``.

    Returns
    -------
    Figures or None
    """
    if not history:
        return None
    colours = [colour for colour, _ in mark_classes(len(history))]
    with drawing("history", "Loss of training and validation over the epochs.", (5.0, 3.4)) as (
        axes,
        panel,
    ):
        for run, colour in zip(history, colours, strict=True):
            rows = pd.DataFrame(run["rows"])
            for kind, style in (("training", "--"), ("validation", "-")):
                if f"{kind}_loss" in rows:
                    axes.plot(
                        rows["epoch"], rows[f"{kind}_loss"], style, color=colour, linewidth=1.3
                    )
            _mark_best(axes, rows, colour)
        axes.grid(color=FAINT, linewidth=0.4)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set(xlabel="epoch", ylabel="loss", title="Learning curve")
        legend = [
            Key(f"seed {run['seed']}", colour) for run, colour in zip(history, colours, strict=True)
        ]
        caption = (
            "How the encoder of sound was distilled. Solid: validation; dashed: training; dot: the "
            "epoch that was kept."
        )
        return Figures(caption, [panel()], legend, width=400)


def _mark_best(axes, rows, colour):
    if "validation_loss" in rows and rows["validation_loss"].notna().any():
        best = rows.loc[rows["validation_loss"].idxmin()]
        axes.plot(best["epoch"], best["validation_loss"], "o", color=colour, markersize=5)
