"""One drawing for each kind of sound: the source of the sound, in motion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from ._shapes import Sketch

# Every function draws a source within the unit circle of a sketch. It takes the times of the
# frames in seconds (n_frames, 1, 1) and two colours, which are independent of the kind.
# The order of the draws from the generator within a function determines what a seed gives.
Drawing = Callable[[Sketch, Generator, np.ndarray, np.ndarray, np.ndarray], None]


def bell(sketch, rng, t, colour, detail):
    """A bell that swings, and its clapper, which lags behind."""
    swing = rng.uniform(0.2, 0.5) * _wave(rng, t, 0.8, 1.6)
    body = sketch.at(0, -0.8, turn=swing)
    body.disc(-1.5 * swing * 0.3, 1.55, rng.uniform(0.14, 0.2), detail)
    waist = rng.uniform(0.4, 0.5)
    body.disc(0, 0.55, waist, colour)
    body.polygon([(-waist, 0.55), (waist, 0.55), (0.85, 1.4), (-0.85, 1.4)], colour)
    body.line(-0.85, 1.38, 0.85, 1.38, rng.uniform(0.12, 0.2), detail)
    body.ring(0, 0.02, 0.16, 0.1, detail)


def bird(sketch, rng, t, colour, detail):
    """A bird that flies about and beats its wings."""
    body = sketch.at(0.15 * _wave(rng, t, 0.2, 0.5), 0.15 * _wave(rng, t, 0.3, 0.6))
    beat = _wave(rng, t, 1.2, 3.0)
    length = rng.uniform(0.55, 0.7)
    body.polygon([(-1, -0.3), (-0.3, -0.12), (-0.3, 0.15), (-0.95, 0.12)], colour)
    body.ellipse(0, 0.05, length, rng.uniform(0.24, 0.34), colour)
    body.polygon([(0.75, -0.3), (1.08, -0.12), (0.75, -0.05)], detail)
    body.disc(0.6, -0.18, rng.uniform(0.2, 0.26), colour)
    body.disc(0.66, -0.22, 0.06, detail)
    tip = -0.15 - 0.75 * beat
    body.line(0.1, 0, -0.15, tip * 0.5, 0.3, detail)
    body.line(-0.15, tip * 0.5, -0.35, tip, 0.2, detail)


def siren(sketch, rng, t, colour, detail):
    """A lamp on a base, with rotating beams."""
    turn = 2 * np.pi * rng.uniform(0.4, 1.0) * t
    n_beams = int(rng.integers(2, 4))
    for k in range(n_beams):
        beam = sketch.at(0, -0.1, turn=turn + 2 * np.pi * k / n_beams)
        beam.polygon([(0, -0.06), (1, -0.28), (1, 0.28), (0, 0.06)], detail)
    width = rng.uniform(0.42, 0.52)
    sketch.disc(0, -0.1, width, colour)
    sketch.box(0, 0.2, width, 0.3, colour)
    sketch.box(0, 0.62, width + 0.2, rng.uniform(0.15, 0.22), detail)


def engine(sketch, rng, t, colour, detail):
    """A car that vibrates."""
    car = sketch.at(0.12 * _wave(rng, t, 0.1, 0.4), 0.05 * _wave(rng, t, 2, 4))
    roof, cabin = rng.uniform(0.3, 0.45), rng.uniform(-0.2, 0.1)
    car.polygon(
        [(cabin - 0.35, -0.5), (cabin + roof, -0.5), (cabin + 0.65, 0), (cabin - 0.6, 0)], colour
    )
    car.polygon(
        [(cabin - 0.25, -0.38), (cabin + roof - 0.1, -0.38), (cabin + 0.4, 0), (cabin - 0.4, 0)],
        detail,
    )
    car.box(0, 0.22, rng.uniform(0.85, 0.98), 0.26, colour)
    wheel = rng.uniform(0.22, 0.3)
    for x in (-0.52, 0.52):
        car.disc(x, 0.5, wheel, np.zeros(3))
        car.disc(x, 0.5, wheel * 0.45, detail)


def rain(sketch, rng, t, colour, detail):
    """A cloud from which drops fall."""
    speed, slant = rng.uniform(0.8, 1.6), rng.uniform(-0.2, 0.2)
    for x in np.linspace(-0.7, 0.7, int(rng.integers(4, 7))):
        for start in rng.uniform(0, 0.5) + np.array([0.0, 0.5]):
            fall = (start + speed * t) % 1
            y = -0.1 + 0.95 * fall
            sketch.line(x + slant * fall, y, x + slant * (fall + 0.2), y + 0.2, 0.1, detail)
    for x, y, radius in ((-0.5, -0.45, 0.36), (0.5, -0.45, 0.36), (0, -0.6, 0.42)):
        sketch.disc(x, y, radius * rng.uniform(0.85, 1.1), colour)
    sketch.box(0, -0.3, 0.55, 0.2, colour)


def knock(sketch, rng, t, colour, detail):
    """A door that shakes, with panels and a knob."""
    door = sketch.at(0.06 * _wave(rng, t, 2, 4), 0, turn=0.05 * _wave(rng, t, 2, 4))
    width = rng.uniform(0.45, 0.58)
    door.box(0, 0, width, 0.98, colour)
    for y in (-0.48, 0.42) if rng.random() < 0.7 else (-0.62, 0, 0.62):
        door.box(0, y, width * 0.6, 0.3 if rng.random() < 0.5 else 0.22, colour * 0.6)
    door.disc(width * 0.75, 0.05, rng.uniform(0.1, 0.15), detail)


def tick(sketch, rng, t, colour, detail):
    """A clock whose hands turn."""
    sketch.disc(0, 0, 0.98, detail)
    sketch.disc(0, 0, rng.uniform(0.72, 0.84), colour)
    for angle in np.arange(0, 2 * np.pi, np.pi / rng.choice([2, 6])):
        sketch.disc(0.62 * np.cos(angle), 0.62 * np.sin(angle), 0.06, detail)
    ink = np.full(3, 0.0 if colour.mean() > 0.4 else 1.0)
    for length, width, rate in ((0.42, 0.14, 0.08), (0.62, 0.09, rng.uniform(0.3, 0.6))):
        angle = 2 * np.pi * (rng.uniform() + rate * t)
        sketch.line(0, 0, length * np.cos(angle), length * np.sin(angle), width, ink)


def whistle(sketch, rng, t, colour, detail):
    """A referee's whistle with a rattling pea, and the air that leaves it."""
    body = sketch.at(0, 0, turn=0.15 * _wave(rng, t, 0.5, 1.2))
    chamber = rng.uniform(0.48, 0.58)
    body.polygon([(-0.4, -0.52), (1.0, -0.52), (1.0, -0.12), (-0.4, 0.2)], colour)
    body.disc(-0.35, 0.05, chamber, colour)
    body.disc(-0.35, 0.05, chamber * 0.55, detail)
    pea = 2 * np.pi * rng.uniform(0.8, 1.5) * t
    body.disc(-0.35 + 0.15 * np.cos(pea), 0.05 + 0.15 * np.sin(pea), 0.13, colour)
    body.box(rng.uniform(0.1, 0.25), -0.5, 0.1, 0.06, detail)
    puff = 0.12 * (1 + _wave(rng, t, 1, 2))
    for lean in (-0.25, 0.0, 0.25):
        body.line(0.15 + lean, -0.65 - puff, 0.15 + 2 * lean, -0.8 - puff, 0.09, detail)


def buzzer(sketch, rng, t, colour, detail):
    """A box with a grille, and zigzags on both sides."""
    half = rng.uniform(0.45, 0.55)
    sketch.box(0, 0, half, half, colour)
    n_slots = int(rng.integers(3, 5))
    for y in np.linspace(-half * 0.6, half * 0.6, n_slots):
        sketch.line(-half * 0.6, y, half * 0.6, y, 0.3 / n_slots, colour * 0.3)
    reach = 0.08 * np.sign(_wave(rng, t, 1, 3))
    height = rng.uniform(0.22, 0.32)
    for side in (-1, 1):
        x = side * (half + 0.2 + reach)
        bend = side * 0.2
        for k in range(4):
            y = (k - 2) * height
            near, far = (x, x + bend) if k % 2 else (x + bend, x)
            sketch.line(near, y, far, y + height, 0.11, detail)


def wind(sketch, rng, t, colour, detail):
    """Gusts: long wavy strokes that drift and end in a curl."""
    for k, y in enumerate(np.linspace(-0.65, 0.65, int(rng.integers(3, 5)))):
        ink = (colour, detail)[k % 2]
        shift, phase = 0.15 * _wave(rng, t, 0.2, 0.6), rng.uniform(0, 2 * np.pi)
        length, sway = rng.uniform(0.6, 0.85), rng.uniform(0.06, 0.12)
        gust = sketch.at(shift, y)
        along = np.clip(gust.x, -length, length)
        wave = sway * np.sin(6 * along + phase + 3 * t)
        gust.fill(np.hypot(gust.x - along, gust.y - wave) - 0.07, ink)
        end = sway * np.sin(6 * length + phase + 3 * t)
        gust.ring(length, end - 0.14, 0.14, 0.11, ink)


def pluck(sketch, rng, t, colour, detail):
    """A guitar that sways, with vibrating strings."""
    body = sketch.at(0, 0, turn=0.5 + 0.12 * _wave(rng, t, 0.4, 1.0))
    neck = rng.uniform(0.09, 0.13)
    body.box(0, -0.5, neck, 0.45, detail)
    body.box(0, -0.98, neck * 1.6, 0.14, colour)
    lower, upper = rng.uniform(0.46, 0.54), rng.uniform(0.34, 0.4)
    body.disc(0, 0.02, upper, colour)
    body.disc(0, 0.55, lower, colour)
    body.disc(0, 0.02, upper, colour)
    body.disc(0, 0.22, 0.17, np.zeros(3))
    body.box(0, 0.72, 0.24, 0.06, detail)
    tremble = 0.03 * _wave(rng, t, 3, 4)
    body.box(tremble, 0, 0.025, 0.72, np.full(3, 0.9))


def bark(sketch, rng, t, colour, detail):
    """A dog that hops and wags its tail."""
    dog = sketch.at(0, 0.06 * np.abs(_wave(rng, t, 0.8, 2)))
    wag = 0.25 * _wave(rng, t, 1, 3)
    leg = rng.uniform(0.08, 0.11)
    dog.line(-0.6, 0, -0.95, -0.4 + wag, 0.13, colour)
    for x in (-0.5, -0.28, 0.22, 0.44):
        dog.line(x, 0.2, x, rng.uniform(0.75, 0.85), 2 * leg, colour)
    dog.ellipse(-0.05, 0.12, 0.68, rng.uniform(0.25, 0.33), colour)
    dog.disc(0.52, -0.35, rng.uniform(0.28, 0.34), colour)
    dog.box(0.82, -0.28, 0.2, rng.uniform(0.1, 0.15), colour)
    dog.disc(1.0, -0.34, 0.08, np.zeros(3))
    dog.ellipse(0.36, -0.36, 0.12, rng.uniform(0.24, 0.34), detail, turn=0.2)
    dog.disc(0.62, -0.42, 0.06, np.zeros(3))


DRAWINGS: dict[str, Drawing] = {
    function.__name__: function
    for function in (
        bell,
        bird,
        siren,
        engine,
        rain,
        knock,
        tick,
        whistle,
        buzzer,
        wind,
        pluck,
        bark,
    )
}


def _wave(rng: Generator, t: np.ndarray, slowest: float, fastest: float) -> np.ndarray:
    """A sine wave between -1 and 1 with a random frequency (Hz) and phase."""
    return np.sin(2 * np.pi * (rng.uniform(slowest, fastest) * t + rng.uniform()))
