"""Panels by matplotlib: once for pages that may be dark, once on white."""

import io
import re
from contextlib import contextmanager
from xml.etree import ElementTree

from benchmarks.reports._blocks import Panel

_INK = "#1b1c1d"  # an odd value, so that it can be told from data and follow the page's colour
FAINT = "#8888887f"
_SETTINGS = {
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 100,
    "legend.frameon": False,
    "legend.labelcolor": _INK,
    "text.color": _INK,
    "text.parse_math": False,  # names of data may hold dollars
    "xtick.color": _INK,
    "ytick.color": _INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "skw2c",  # the same report has the same bytes
}
_RESOLUTION = 150
_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_HREF = f"{{{_XLINK}}}href"


@contextmanager
def drawing(name, alternative, size):
    """Give axes to draw on, and a function that makes the panel.

    Parameters
    ----------
    name, alternative : str
        As in `Panel`.
    size : tuple of float
        Width and height in inches, of 100 pixels.

    Yields
    ------
    axes : matplotlib Axes
    panel : callable
        Gives the Panel, once all is drawn.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=size, layout="constrained")
        yield figure.subplots(), lambda: _finish(figure, name, alternative)


def _finish(figure, name, alternative):
    figure.draw_without_rendering()  # lays it out
    figure.set_layout_engine("none")  # once is enough
    return Panel(name, alternative, _svg(figure, name), _png(figure))


def _png(figure):
    file, nothing = io.BytesIO(), {"Software": None}
    figure.savefig(file, format="png", dpi=_RESOLUTION, facecolor="white", metadata=nothing)
    return file.getvalue()


def _svg(figure, name):
    """The image as an element that shares a page with others like it."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", dpi=_RESOLUTION, transparent=True, metadata={"Date": None})
    root = ElementTree.fromstring(file.getvalue())  # noqa: S314, for matplotlib wrote it
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)  # a style would hold for the whole page
    elements = list(root.iter())
    for element in elements:
        _adapt(element, name)
    used = {word for element in elements for word in _references(element)}
    for element in elements:
        if element.get("id") not in used:
            element.attrib.pop("id", None)
    width, height = figure.get_size_inches() * 100
    root.attrib |= {"width": f"{width:.0f}", "height": f"{height:.0f}"}
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    return ElementTree.tostring(root, encoding="unicode")


def _adapt(element, name):
    """Make names unique in the page, and let the page choose the colour and kind of text."""
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.get('id')}")
    if element.get("clip-path"):
        element.set("clip-path", element.get("clip-path").replace("url(#", f"url(#{name}-"))
    if element.get(_HREF, "").startswith("#"):
        element.set(_HREF, f"#{name}-{element.get(_HREF)[1:]}")
    if "style" in element.attrib:
        style = re.sub(r"font-family: [^;]*;? ?", "", element.get("style"))
        element.set("style", style.replace(_INK, "currentColor"))


def _references(element):
    yield element.get(_HREF, "").removeprefix("#")
    yield element.get("clip-path", "").removeprefix("url(#").removesuffix(")")


def shorten(name, n_characters):
    """A name that fits beside the axes."""
    return name if len(name) <= n_characters else f"{name[: n_characters - 1]}…"


def place_legend(axes, handles, labels, columns=2):
    """A legend below the axes."""
    labels = [
        f"\N{NO-BREAK SPACE}{shorten(label, 40)}" for label in labels
    ]  # one after "_" would be left out
    axes.figure.legend(handles, labels, loc="outside lower left", ncols=columns, fontsize=7)
