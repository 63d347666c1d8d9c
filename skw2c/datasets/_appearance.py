"""How the sound source of a clip looks, and the distractor shapes beside it."""

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
"""The colours of sound sources in RGB, by name.

Their order is part of the data: colours are drawn by position.
"""


@dataclass(frozen=True)
class Appearance:
    """How the sound source looks in all frames of a clip.

    Attributes
    ----------
    kind : str
        The kind of sound whose source is drawn.
    colour : str
        Name of its colour.
    x, y : float
        Position of its centre, each between -1 and 1.
    size : float
        Half its height, relative to half the height of the frame.
    tilt : float
        In radians.
    mirror : bool
        Whether left and right are swapped.
    outline : float
        Width of the dark outline, in units of half the height of the frame.
    main_colour, detail_colour : ndarray of shape (3,)
        The colours as drawn, in RGB from 0 to 1. That of the details has another name than
        ``colour``.
    """

    kind: str
    colour: str
    x: float
    y: float
    size: float
    tilt: float
    mirror: bool
    outline: float
    main_colour: np.ndarray
    detail_colour: np.ndarray

    def draw(self, canvas: np.ndarray, rng: Generator, times: np.ndarray) -> None:
        """Draw over the frames (n_frames, height, width, 3) shown at ``times`` (seconds)."""
        # Drawings that swing or reach out stay within 1.4 times their size.
        sketch = Sketch.over(canvas).near(self.x, self.y, 1.4 * self.size)
        own = sketch.at(
            self.x,
            self.y,
            self.tilt,
            self.size,
            self.mirror,
            outline=self.outline / self.size,
        )
        t = times.astype(np.float32)[:, None, None]
        DRAWINGS[self.kind](own, rng, t, self.main_colour, self.detail_colour)


def draw_appearance(rng: Generator, kind: str) -> Appearance:
    """Choose an appearance at random; only the shape depends on the kind."""
    colour, other = rng.choice(list(COLOURS), 2, replace=False)
    size = rng.uniform(0.6, 0.9)
    # Near enough to the centre that most of it stays within the frame.
    largest_shift = 1 - 0.85 * size
    # The order of the arguments is the order of the draws: it determines every clip.
    return Appearance(
        kind=kind,
        colour=str(colour),
        x=rng.uniform(-largest_shift, largest_shift),
        y=rng.uniform(-largest_shift, largest_shift),
        size=size,
        tilt=rng.normal(0, 0.12),
        mirror=bool(rng.integers(2)),
        outline=rng.uniform(0.03, 0.06),
        main_colour=np.clip(rng.normal(COLOURS[colour], 0.06), 0, 1),
        detail_colour=np.clip(rng.normal(COLOURS[other], 0.06), 0, 1),
    )


def draw_distractor(canvas: np.ndarray, rng: Generator) -> None:
    """Draw a small shape that belongs to none of the kinds into all frames."""
    size, colour = rng.uniform(0.1, 0.22), np.array(list(COLOURS.values()))[rng.integers(8)]
    x, y = rng.uniform(-0.9, 0.9, 2)
    sketch = Sketch.over(canvas).at(x, y, rng.uniform(0, 6.28), size)
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
