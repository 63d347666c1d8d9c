"""Maps as pages of their own, on which one can point at a clip and hear it."""

import base64

import numpy as np

from benchmarks.reports._blocks import Page
from benchmarks.reports._map_labels import name_labels
from skw2c.maps._colours import Colouring
from skw2c.maps._coordinates import to_grid
from skw2c.maps._map_page import describe_map, render_page

FOLDER = "maps"
"""Where the pages stand beside the report."""


def make_map_pages(name, dataset, cells, classes):
    """A page for all systems that were shown the same clips, with a choice among them.

    Parameters
    ----------
    name : str
        Begins the names of the files.
    dataset : str
    cells : list of Cell
    classes : list of str
        Of all points, in the order of the legend.

    Returns
    -------
    list of Page
    """
    groups = {}
    for cell in cells:
        if cell.details.get("clips"):
            same = tuple(cell.details["clips"]), tuple(name_labels(cell))
            groups.setdefault(same, []).append(cell)
    return [
        _make_page(f"{FOLDER}/{name}-{number}.html", dataset, own, classes)
        for number, own in enumerate(groups.values(), 1)
    ]


def _make_page(path, dataset, cells, classes):
    details = cells[0].details
    number_of = {label: number for number, label in enumerate(classes)}
    numbers = np.array([number_of[label] for label in name_labels(cells[0])], np.int16)
    layouts = {cell.system: to_grid(np.array(cell.details["points"], float)) for cell in cells}
    described = describe_map(
        details["clips"], layouts, [Colouring("class", classes, numbers)], dataset
    )
    previews = {
        int(number): base64.b64decode(sound)
        for number, sound in (details.get("previews") or {}).items()
    }
    content = render_page(described, previews, []).encode()
    systems = ", ".join(layouts)
    title = (
        f"Interactive map of {dataset}: {systems} ({_count(previews)}{len(content) / 1e6:.1f} MB)"
    )
    return Page(path, title, content)


def _count(previews):
    return f"{len(previews)} clips to hear, " if previews else ""
