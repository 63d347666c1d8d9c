"""Contact sheets: images in columns, with text above and below."""

from dataclasses import dataclass

import numpy as np

from skw2c.system._atomic import replace_atomically

_INCHES = 1.15
_FOR_TEXT = 0.27
_RESOLUTION = 150


@dataclass
class Column:
    """Images that stand under each other.

    Attributes
    ----------
    title : str
        What they are of.
    images : list of ndarray of shape (height, width, 3), uint8
    texts : list of str
        One for each image.
    """

    title: str
    images: list[np.ndarray]
    texts: list[str]


def lay_out(columns, n_columns):
    """Lay columns out, so many side by side.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    depth = len(columns[0].images)
    bands = -(-len(columns) // n_columns)
    height = bands * (depth * (_INCHES + _FOR_TEXT) + _FOR_TEXT)
    figure = Figure(figsize=(n_columns * (_INCHES + 0.12), height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, hspace=0.01, wspace=0.01)
    grid = figure.subplots(bands * depth, n_columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for number, column in enumerate(columns):
        band, place = divmod(number, n_columns)
        _draw(grid[band * depth : (band + 1) * depth, place], column)
    return figure


def _draw(cells, column):
    for axes, image, text in zip(cells, column.images, column.texts, strict=True):
        axes.imshow(image, interpolation="nearest")
        axes.text(
            0.5,
            -0.03,
            text,
            transform=axes.transAxes,
            ha="center",
            va="top",
            fontsize=7,
            color="#555555",
        )
    cells[0].set_title(column.title, fontsize=9, fontweight="bold", pad=3)


def write(figure, path):
    """Write a sheet as a PNG file, which appears whole or not at all."""
    with replace_atomically(path) as temporary:
        figure.savefig(temporary, format="png", dpi=_RESOLUTION)
