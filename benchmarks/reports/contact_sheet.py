"""Contact sheets: pictures in columns, with words above and below."""

from dataclasses import dataclass

import numpy as np

from skw2c.system._atomic import replace_atomically

_INCHES = 1.15
_FOR_WORDS = 0.27
_RESOLUTION = 150


@dataclass
class Column:
    """Pictures that stand under each other.

    Attributes
    ----------
    title : str
        What they are of.
    pictures : list of ndarray of shape (height, width, 3), uint8
    words : list of str
        One for each picture.
    """

    title: str
    pictures: list[np.ndarray]
    words: list[str]


def lay_out(columns, n_columns):
    """Lay columns out, so many side by side.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    depth = len(columns[0].pictures)
    bands = -(-len(columns) // n_columns)
    height = bands * (depth * (_INCHES + _FOR_WORDS) + _FOR_WORDS)
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
    for axes, picture, words in zip(cells, column.pictures, column.words, strict=True):
        axes.imshow(picture, interpolation="nearest")
        axes.text(
            0.5,
            -0.03,
            words,
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
