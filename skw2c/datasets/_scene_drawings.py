"""Drawings of the scenes, as backgrounds: one function for each scene."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from ._shapes import Sketch

# Every function draws into a sketch of one frame, from corner (-1, -1) to corner (1, 1).
Scenery = Callable[[Sketch, Generator], None]


def park(sketch, rng):
    """Sky, a meadow, and trees."""
    horizon = _draw_sky_and_ground(sketch, rng, (0.55, 0.75, 0.95), (0.35, 0.6, 0.25))
    for x in rng.uniform(-1, 1, rng.integers(1, 4)):
        foot, size = horizon + rng.uniform(0, 0.3), rng.uniform(0.2, 0.45)
        sketch.box(x, foot - size * 0.5, size * 0.15, size * 0.5, _near(rng, (0.4, 0.27, 0.15)))
        sketch.disc(x, foot - size * 1.3, size * 0.7, _near(rng, (0.15, 0.45, 0.15)))


def street(sketch, rng):
    """Houses with windows, and a road with a dashed line."""
    sketch.box(0, 0, 2, 2, _near(rng, (0.7, 0.75, 0.85)))
    ground = rng.uniform(0.2, 0.5)
    left = -1.0
    while left < 1:
        width, top = rng.uniform(0.4, 0.8), rng.uniform(-0.9, -0.2)
        middle = left + width / 2
        tall = (ground - top) / 2
        sketch.box(middle, (ground + top) / 2, width / 2, tall, _near(rng, (0.55, 0.45, 0.4), 0.15))
        glass = _near(rng, (0.85, 0.85, 0.6), 0.15)
        for y in np.arange(top + 0.15, ground - 0.1, 0.28):
            for x in (middle - width / 5, middle + width / 5):
                sketch.box(x, y, width * 0.09, 0.07, glass)
        left += width
    sketch.box(0, ground + 1, 2, 1, _near(rng, (0.35, 0.35, 0.37)))
    for x in np.arange(-1 + rng.uniform(0, 0.4), 1.2, 0.5):
        sketch.box(x, (ground + 1) / 2, 0.13, 0.03, np.full(3, 0.9))


def kitchen(sketch, rng):
    """A tiled wall above a worktop with cupboards."""
    sketch.box(0, 0, 2, 2, _near(rng, (0.8, 0.85, 0.85)))
    joints, step = _near(rng, (0.6, 0.62, 0.65), 0.05), rng.uniform(0.25, 0.4)
    for at in np.arange(-1, 1, step):
        sketch.box(at, 0, 0.02, 2, joints)
        sketch.box(0, at, 2, 0.02, joints)
    top = rng.uniform(0.25, 0.5)
    sketch.box(0, top + 1, 2, 1, _near(rng, (0.75, 0.6, 0.45), 0.12))
    sketch.box(0, top, 2, 0.06, _near(rng, (0.3, 0.3, 0.3)))
    for x in np.arange(-1, 1.1, rng.uniform(0.5, 0.8)):
        sketch.box(x, top + 1, 0.015, 1, np.full(3, 0.25))


def office(sketch, rng):
    """A bare wall with a window or a shelf, a desk and a screen."""
    sketch.box(0, 0, 2, 2, _near(rng, (0.85, 0.82, 0.75)))
    x = rng.uniform(-0.6, 0.6)
    sketch.box(x, -0.55, rng.uniform(0.2, 0.4), 0.25, _near(rng, (0.6, 0.75, 0.9), 0.12))
    desk = rng.uniform(0.4, 0.6)
    sketch.box(0, desk, 2, 0.05, _near(rng, (0.5, 0.35, 0.2)))
    for leg in (-0.8, 0.8):
        sketch.box(leg, 1, 0.05, 1 - desk, _near(rng, (0.4, 0.3, 0.2)))
    at = rng.uniform(-0.6, 0.6)
    sketch.box(at, desk - 0.35, 0.3, 0.2, np.full(3, 0.12))
    sketch.box(at, desk - 0.35, 0.25, 0.15, _near(rng, (0.4, 0.55, 0.7), 0.15))
    sketch.box(at, desk - 0.1, 0.05, 0.08, np.full(3, 0.12))


def beach(sketch, rng):
    """Sky with a sun, the sea with waves, and sand."""
    horizon = _draw_sky_and_ground(sketch, rng, (0.6, 0.8, 0.95), (0.2, 0.45, 0.7))
    sketch.disc(rng.uniform(-0.8, 0.8), rng.uniform(-0.8, -0.5), 0.16, _near(rng, (1, 0.9, 0.5)))
    shore = rng.uniform(horizon + 0.3, 0.7)
    for _ in range(rng.integers(2, 6)):
        x, y = rng.uniform(-1, 1), rng.uniform(horizon + 0.08, shore - 0.08)
        sketch.box(x, y, rng.uniform(0.1, 0.3), 0.02, np.full(3, 0.85))
    sketch.fill(
        shore + 0.05 * np.sin(sketch.x * rng.uniform(3, 8)) - sketch.y,
        _near(rng, (0.9, 0.8, 0.55)),
    )


def station(sketch, rng):
    """A dark arched hall, with lamps and a platform."""
    sketch.box(0, 0, 2, 2, _near(rng, (0.25, 0.25, 0.3)))
    arch = _near(rng, (0.45, 0.42, 0.42))
    for radius in np.arange(rng.uniform(0.3, 0.5), 1.6, rng.uniform(0.3, 0.45)):
        sketch.ring(0, 0.5, radius, 0.07, arch)
    for x in np.linspace(-0.8, 0.8, int(rng.integers(2, 5))):
        sketch.disc(x, -0.75, 0.1, _near(rng, (1, 0.95, 0.7)))
    platform = rng.uniform(0.4, 0.65)
    sketch.box(0, platform + 1, 2, 1, _near(rng, (0.55, 0.53, 0.5)))
    sketch.box(0, platform + 0.07, 2, 0.04, _near(rng, (0.9, 0.8, 0.2)))


SCENERIES: dict[str, Scenery] = {
    function.__name__: function for function in (park, street, kitchen, office, beach, station)
}


def _draw_sky_and_ground(sketch: Sketch, rng: Generator, above, below) -> float:
    """Fill the frame with two colours, and return the height of the horizon between them."""
    horizon = rng.uniform(-0.3, 0.3)
    sketch.box(0, 0, 2, 2, _near(rng, above))
    sketch.box(0, horizon + 1, 2, 1, _near(rng, below))
    return horizon


def _near(rng: Generator, colour, spread: float = 0.08) -> np.ndarray:
    """Draw a colour close to another one."""
    return np.clip(rng.normal(colour, spread), 0, 1)
