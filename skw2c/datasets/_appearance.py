"""How the thing of one clip looks, and the stray shape beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ._event_drawings import DRAWINGS
from ._shapes import Sketch

COLOURS = {
    "red": (0.85, 0.12, 0.12),
    "orange": (0.95, 0.55, 0.1),
    "yellow": (0.95, 0.88, 0.2),
    "green": (0.15, 0.65, 0.2),
    "blue": (0.15, 0.3, 0.85),
    "purple": (0.55, 0.2, 0.7),
    "pink": (0.95, 0.5, 0.7),
    "white": (0.95, 0.95, 0.95),
}
"""Names of the colours that things have, in RGB."""


@dataclass(frozen=True)
class Look:
    """How a thing looks in all frames of a clip.

    Attributes
    ----------
    kind : str
        The kind of sound whose drawing it is.
    colour : str
        Name of its colour.
    x, y : float
        Where it is, between -1 and 1.
    size : float
        Half its height, where the picture's is 1.
    tilt : float
        In radians.
    mirror : bool
        Whether left and right are swapped.
    rim : float
        Width of the dark rim, in the units of the picture.
    tint, detail : ndarray of shape (3,)
        The colour as drawn, and that of details, which has another name.
    """

    kind: str
    colour: str
    x: float
    y: float
    size: float
    tilt: float
    mirror: bool
    rim: float
    tint: np.ndarray
    detail: np.ndarray

    def draw(self, canvas: np.ndarray, rng: Generator, times: np.ndarray) -> None:
        """Draw over the frames (n_frames, height, width, 3) shown at ``times`` (seconds)."""
        # Things that swing or reach out stay within 1.4 of their size.
        sketch = Sketch.over(canvas).near(self.x, self.y, 1.4 * self.size)
        own = sketch.at(self.x, self.y, self.tilt, self.size, self.mirror, rim=self.rim / self.size)
        t = times.astype(np.float32)[:, None, None]
        DRAWINGS[self.kind](own, rng, t, self.tint, self.detail)


def draw_look(rng: Generator, kind: str) -> Look:
    """Draw a look at random; nothing but the shape depends on the kind."""
    colour, other = rng.choice(list(COLOURS), 2, replace=False)
    size = rng.uniform(0.6, 0.9)
    room = 1 - 0.85 * size
    return Look(
        kind=kind,
        colour=str(colour),
        x=rng.uniform(-room, room),
        y=rng.uniform(-room, room),
        size=size,
        tilt=rng.normal(0, 0.12),
        mirror=bool(rng.integers(2)),
        rim=rng.uniform(0.03, 0.06),
        tint=np.clip(rng.normal(COLOURS[colour], 0.06), 0, 1),
        detail=np.clip(rng.normal(COLOURS[other], 0.06), 0, 1),
    )


def draw_stray(canvas: np.ndarray, rng: Generator) -> None:
    """Draw a small shape that belongs to no kind of sound over all frames."""
    size, colour = rng.uniform(0.1, 0.22), np.array(list(COLOURS.values()))[rng.integers(8)]
    sketch = Sketch.over(canvas).at(*rng.uniform(-0.9, 0.9, 2), rng.uniform(0, 6.28), size)
    shape = rng.integers(4)
    if shape == 0:
        sketch.polygon([(0, -1), (0.9, 0.6), (-0.9, 0.6)], colour)
    elif shape == 1:
        sketch.ring(0, 0, 0.75, 0.4, colour)
    elif shape == 2:
        sketch.box(0, 0, 1, 0.3, colour)
        sketch.box(0, 0, 0.3, 1, colour)
    else:
        sketch.polygon([(0, -1), (0.6, 0), (0, 1), (-0.6, 0)], colour)
