"""Maps of vectors in two dimensions, one for each data set and system."""

import numpy as np

from benchmarks.reports._blocks import Figures, Key
from benchmarks.reports._colours import SIGNS, mark_classes
from benchmarks.reports._drawing import drawing, place_legend
from benchmarks.reports._map_labels import name_labels
from benchmarks.reports._map_pages import make_map_pages
from benchmarks.reports._results import group_by


def draw_maps(results):
    """Small multiples of each data set, with one legend.

    Parameters
    ----------
    results : Results

    Returns
    -------
    list of Figures
    """
    groups = group_by(results.holding("points", "labels"), lambda cell: cell.dataset)
    return [
        _draw_group(f"map-{number}", dataset, cells)
        for number, (dataset, cells) in enumerate(groups.items(), 1)
    ]


def _draw_group(name, dataset, cells):
    classes = _classes_of(cells)
    marks = dict(zip(classes, mark_classes(len(classes)), strict=True))
    panels = [
        _draw(f"{name}-{number}", dataset, cell, marks) for number, cell in enumerate(cells, 1)
    ]
    legend = [Key(label, colour, SIGNS[marker]) for label, (colour, marker) in marks.items()]
    caption = (
        f"{dataset}: the vectors of its clips in two dimensions (UMAP), each point a clip. Only "
        "neighbourhoods mean something; directions and distances between groups do not."
    )
    if len(classes) > 56:
        caption += " There are more classes than marks: some classes share one."
    legend_panel = _draw_legend(f"{name}-legend", dataset, marks)
    pages = make_map_pages(name, dataset, cells, classes)
    return Figures(caption, panels, legend, legend_panel, 250, pages)


def _classes_of(cells):
    """Classes in the order of the data set, then others that points have."""
    named = [str(name) for cell in cells for name in cell.details.get("classes") or []]
    present = {label for cell in cells for label in name_labels(cell)}
    return [name for name in dict.fromkeys([*named, *sorted(present)]) if name in present]


def _draw(name, dataset, cell, marks):
    points = np.asarray(cell.details["points"], dtype=float).reshape(-1, 2)
    labels = np.array(name_labels(cell))
    told = f"Map of {len(points)} clips of {dataset} as {cell.system} hears them."
    with drawing(name, told, (2.9, 2.8)) as (axes, panel):
        side = np.clip(90 / np.sqrt(len(points) + 1), 1.4, 5.0)
        for label, (colour, marker) in marks.items():
            x, y = points[labels == label].T
            # many points would make a huge drawing: they become one image
            axes.scatter(
                x, y, s=side**2, c=colour, marker=marker, alpha=0.8, linewidths=0, rasterized=True
            )
        axes.set(xticks=[], yticks=[], title=cell.system)
        axes.spines[:].set_visible(True)
        return panel()


def _draw_legend(name, dataset, marks):
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", color=colour, marker=marker, markersize=4)
        for colour, marker in marks.values()
    ]
    size = (6.0, 0.3 + 0.18 * -(-len(marks) // 4))
    with drawing(name, f"Legend of {dataset}.", size) as (axes, panel):
        axes.set_axis_off()
        place_legend(axes, handles, list(marks), columns=4)
        return panel()
