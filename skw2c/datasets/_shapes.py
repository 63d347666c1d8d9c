"""Draw shapes into video frames, with numpy alone."""

from __future__ import annotations

from functools import reduce

import numpy as np


class Sketch:
    """Frames to draw into, with their own coordinate system.

    A shape is a signed distance to its edge, negative inside; pixels at the edge are blended.
    Every measure may be a number, or an array (n_frames, 1, 1) for a shape that moves.

    Parameters
    ----------
    canvas : ndarray of shape (n_frames, height, width, 3), float32
        Colours in [0, 1], modified in place.
    x, y : ndarray of shape (n_frames, height, width), float32
        Coordinates of the pixels. x increases to the right, y downwards.
    pixel : float
        Size of a pixel in these coordinates.
    outline : float, default=0
        Width of the dark outline around each shape.
    """

    def __init__(self, canvas, x, y, pixel, outline=0.0):
        self.canvas = canvas
        self.x = x
        self.y = y
        self.pixel = pixel
        self.outline = outline

    @classmethod
    def over(cls, canvas: np.ndarray) -> Sketch:
        """A sketch of a whole canvas, with the corners (-1, -1) and (1, 1)."""
        n_frames, height, width, _ = canvas.shape
        x = (np.arange(width, dtype=np.float32) * 2 + 1) / width - 1
        y = (np.arange(height, dtype=np.float32) * 2 + 1) / height - 1
        shape = (n_frames, height, width)
        return cls(
            canvas, np.broadcast_to(x, shape), np.broadcast_to(y[:, None], shape), 2.0 / width
        )

    def near(self, x: float, y: float, reach: float) -> Sketch:
        """A sketch of the square of half side ``reach`` around (x, y) only, to save time."""
        height, width = self.x.shape[1:]
        rows = slice(*_span(y, reach, height))
        columns = slice(*_span(x, reach, width))
        return Sketch(
            self.canvas[:, rows, columns],
            self.x[:, rows, columns],
            self.y[:, rows, columns],
            self.pixel,
            self.outline,
        )

    def at(self, x=0.0, y=0.0, turn=0.0, size=1.0, mirror=False, outline=None) -> Sketch:
        """A sketch with its origin at (x, y), turned (radians, clockwise), in units of ``size``."""
        # numpy scalars of double precision would make everything that follows twice as slow.
        x, y, turn, size = (np.asarray(value, np.float32) for value in (x, y, turn, size))
        across, down = self.x - x, self.y - y
        cos, sin = np.cos(turn), np.sin(turn)
        own_x = (across * cos + down * sin) / size
        own_y = (down * cos - across * sin) / size
        outline = self.outline / size if outline is None else outline
        return Sketch(self.canvas, -own_x if mirror else own_x, own_y, self.pixel / size, outline)

    def disc(self, x, y, radius, colour) -> None:
        self.fill(np.hypot(self.x - x, self.y - y) - radius, colour)

    def ring(self, x, y, radius, width, colour) -> None:
        self.fill(np.abs(np.hypot(self.x - x, self.y - y) - radius) - width / 2, colour)

    def ellipse(self, x, y, radius_x, radius_y, colour, turn=0.0) -> None:
        own = self.at(x, y, turn)
        scaled = np.hypot(own.x / radius_x, own.y / radius_y)
        # Exact at the edge, and close enough next to it.
        self.fill((scaled - 1) * np.minimum(radius_x, radius_y), colour)

    def box(self, x, y, half_width, half_height, colour, turn=0.0) -> None:
        own = self.at(x, y, turn)
        self.fill(np.maximum(np.abs(own.x) - half_width, np.abs(own.y) - half_height), colour)

    def line(self, x0, y0, x1, y1, width, colour) -> None:
        """A stroke with round ends."""
        along_x, along_y = x1 - x0, y1 - y0
        length = along_x * along_x + along_y * along_y
        share = ((self.x - x0) * along_x + (self.y - y0) * along_y) / length
        share = np.clip(share, 0, 1)
        off_x, off_y = self.x - x0 - share * along_x, self.y - y0 - share * along_y
        self.fill(np.hypot(off_x, off_y) - width / 2, colour)

    def polygon(self, corners, colour) -> None:
        """A convex polygon; its corners (x, y) are in clockwise order on the screen."""
        sides = []
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            length = np.hypot(x1 - x0, y1 - y0)
            sides.append(((self.x - x0) * (y1 - y0) - (self.y - y0) * (x1 - x0)) / length)
        self.fill(reduce(np.maximum, sides), colour)

    def fill(self, distance: np.ndarray, colour) -> None:
        """Fill the pixels at negative distances, over a dark outline."""
        if np.any(self.outline):
            self._blend(distance - self.outline, np.zeros(3, np.float32))
        self._blend(distance, colour)

    def _blend(self, distance: np.ndarray, colour) -> None:
        inside = distance < self.pixel / 2
        cover = np.minimum(0.5 - distance[inside] / self.pixel, 1)[:, None]
        under = self.canvas[inside]
        self.canvas[inside] = under + cover * (np.asarray(colour, np.float32) - under)


def _span(middle: float, reach: float, n: int) -> tuple[int, int]:
    """The first pixel, and the one after the last, around a position between -1 and 1."""
    first = int(np.floor((middle - reach + 1) / 2 * n))
    last = int(np.ceil((middle + reach + 1) / 2 * n))
    return max(first, 0), min(last, n)
