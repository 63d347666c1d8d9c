"""Which classes are taken for which: confusion matrices, and the difference of two."""

import numpy as np

from benchmarks.reports._blocks import Entry, Figures, Folded, Heading, Table, Text
from benchmarks.reports._drawing import drawing, shorten
from benchmarks.reports._results import group_by, is_number

_PAPERS_PAIR = "YAMNet", "Wav2CLIP"
_NAMES_FIT, _SHARES_FIT = 15, 10
_MOST_FREQUENT = 10


def normalise_rows(counts):
    """Share of each found class among the clips of each true class; NaN where there are none.

    Parameters
    ----------
    counts : array-like of shape (n_classes, n_classes)

    Returns
    -------
    ndarray of shape (n_classes, n_classes), float64
    """
    counts = np.asarray(counts, dtype=float)
    totals = counts.sum(axis=1, keepdims=True)
    return counts / np.where(totals > 0, totals, np.nan)


def show_confusion(results, colours):
    """Matrices and the most frequent confusions of each task and data set.

    Parameters
    ----------
    results : Results
    colours : dict of str to str
        By system.

    Returns
    -------
    list of Figures, Folded and Table
    """
    cells = results.holding("confusion", "classes")
    groups = group_by(cells, lambda cell: (cell.task, cell.dataset))
    return [
        block
        for number, (key, group) in enumerate(groups.items(), 1)
        for block in _show_group(f"confusion-{number}", *key, group, colours)
    ]


def _show_group(name, task, dataset, cells, colours):
    classes = cells[0].details["classes"]
    cells = [cell for cell in cells if sorted(cell.details["classes"]) == sorted(classes)]
    shares = {cell.system: _read(cell, classes) for cell in cells}
    yield _draw_group(name, f"{dataset}, {task}", classes, shares, _choose_pair(cells))
    if len(classes) > _NAMES_FIT:
        names = ", ".join(f"{number} {name}" for number, name in enumerate(classes, 1))
        yield Folded(f"Classes of {dataset} by number", [Text(names)])
    table = _tabulate(f"{dataset}, {task}", classes, shares, colours)
    if table.rows:
        yield table


def _read(cell, classes):
    """The matrix in the order of ``classes``."""
    order = [cell.details["classes"].index(name) for name in classes]
    return normalise_rows(cell.details["confusion"])[np.ix_(order, order)]


def _choose_pair(cells):
    """The two systems of the paper's figure 3, or else the best one and the next, or None."""
    systems = [cell.system for cell in cells]
    if all(system in systems for system in _PAPERS_PAIR):
        return _PAPERS_PAIR
    scored = sorted((c for c in cells if is_number(c.score)), key=lambda c: c.score)
    return tuple(cell.system for cell in scored[-2:]) if len(scored) > 1 else None


def _draw_group(name, what, classes, shares, pair):
    panels = [
        _draw(f"{name}-{number}", system, matrix, classes)
        for number, (system, matrix) in enumerate(shares.items(), 1)
    ]
    caption = (
        f"{what}: rows are the true classes, columns the classes that were found, as shares of "
        "each row."
    )
    if pair:
        one, other = pair
        title = f"{other} \N{MINUS SIGN} {one}"
        difference = shares[other] - shares[one]
        panels.append(_draw(f"{name}-difference", title, difference, classes, is_difference=True))
        caption += (
            f" The last is a difference: blue where {other} has the higher share, red where {one} "
            f"has it. Blue on the diagonal speaks for {other}, red for {one}."
        )
    return Figures(caption, panels, width=295)


def _draw(name, title, matrix, classes, is_difference=False):
    n, diagonal = len(classes), np.diag(matrix)[np.isfinite(np.diag(matrix))]
    told = f"Confusion matrix of {n} classes, {title}"
    told += f"; mean of the diagonal {diagonal.mean():.2f}." if len(diagonal) else "."
    limit = _round_up(matrix) if is_difference else 1
    ticks, colours = ([-limit, 0, limit], "RdBu") if is_difference else ([0, 1], "Blues")
    with drawing(name, told, (3.7, 3.4)) as (axes, panel):
        image = axes.imshow(
            matrix, cmap=colours, vmin=ticks[0], vmax=limit, interpolation="nearest", aspect="auto"
        )
        bar = axes.figure.colorbar(image, ax=axes, shrink=0.5, pad=0.02, aspect=14, ticks=ticks)
        bar.outline.set_linewidth(0.4)
        bar.ax.tick_params(length=2, labelsize=7)
        _name_ticks(axes, classes)
        axes.spines[:].set_visible(True)
        axes.set_title(title)
        if n <= _SHARES_FIT:
            _write_shares(axes, matrix, 0.6 * limit)
        return panel()


def _round_up(difference):
    """The largest difference, to the next tenth, so that small ones are seen."""
    return max(0.1, np.ceil(10 * np.nanmax(np.abs(np.nan_to_num(difference)))) / 10)


def _name_ticks(axes, classes):
    """Names where they fit, else numbers from 1."""
    if len(classes) <= _NAMES_FIT:
        classes = [shorten(name, 20) for name in classes]
        axes.set_xticks(range(len(classes)), classes, rotation=90, fontsize=7)
        axes.set_yticks(range(len(classes)), classes, fontsize=7)
        axes.tick_params(length=0)
    else:
        step = 10 if len(classes) <= 120 else 50
        places = range(step - 1, len(classes), step)
        names = [str(place + 1) for place in places]
        axes.set_xticks(places, names, fontsize=7)
        axes.set_yticks(places, names, fontsize=7)


def _write_shares(axes, matrix, dark):
    """The larger shares as per cent in their places."""
    for (row, column), share in np.ndenumerate(matrix):
        if abs(share) >= 0.05:
            colour = "white" if abs(share) > dark else "black"
            text = f"{100 * share:.0f}".replace("-", "\N{MINUS SIGN}")
            axes.text(column, row, text, ha="center", va="center", fontsize=5.5, color=colour)


def _tabulate(what, classes, shares, colours):
    """The confusions that are most frequent in any system, and their shares in all."""
    stacked = np.nan_to_num(np.stack(list(shares.values())))
    highest = stacked.max(axis=0)
    np.fill_diagonal(highest, 0)
    order = np.argsort(-highest, axis=None, kind="stable")[:_MOST_FREQUENT]
    pairs = [np.unravel_index(place, highest.shape) for place in order]
    rows = [
        (
            Heading(f"{classes[true]} \N{RIGHTWARDS ARROW} {classes[found]}"),
            [Entry(f"{100 * share:.1f}") for share in stacked[:, true, found]],
        )
        for true, found in pairs
        if highest[true, found] > 0
    ]
    caption = f"{what}: the most frequent confusions, in per cent of the clips of the true class."
    columns = [Heading(system, colour=colours.get(system, "")) for system in shares]
    return Table(caption, "true \N{RIGHTWARDS ARROW} found", columns, rows)
