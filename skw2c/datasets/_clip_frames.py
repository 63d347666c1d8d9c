"""The video frames of a clip: its scene, and the sound source while it sounds."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ._appearance import Appearance, draw_distractor
from ._scene_drawings import SCENERIES
from ._shapes import Sketch


def find_visible(times: list[tuple[float, float]], n_frames: int, rate: float) -> np.ndarray:
    """Find the frames that are shown while an event sounds, as a mask (n_frames,).

    Frame k is shown from k / rate to (k + 1) / rate seconds.
    """
    shown = np.arange(n_frames) / rate
    visible = np.zeros(n_frames, bool)
    for onset, offset in times:
        visible |= (shown + 1 / rate > onset) & (shown < offset)
    return visible


def draw_frames(
    rng: Generator, appearance: Appearance, scene: str, visible: np.ndarray, rate: float, size: int
) -> np.ndarray:
    """Draw the frames of a clip.

    Parameters
    ----------
    rng : Generator
    appearance : Appearance
        Of the sound source, which is shown in the frames that are ``visible``.
    scene : str
        Name of the scene behind it.
    visible : ndarray of shape (n_frames,), bool
    rate : float
        Frames per second.
    size : int
        Height and width in pixels.

    Returns
    -------
    ndarray of shape (n_frames, size, size, 3), uint8
    """
    background = np.zeros((1, size, size, 3), np.float32)
    SCENERIES[scene](Sketch.over(background), rng)
    for _ in range(rng.integers(0, 3)):
        draw_distractor(background, rng)
    frames = np.repeat(background, len(visible), axis=0)
    # Indexing by a mask copies, so the frames are drawn into a copy and put back.
    with_source = frames[visible]
    appearance.draw(with_source, rng, np.flatnonzero(visible) / rate)
    frames[visible] = with_source
    return _apply_camera(rng, frames)


def _apply_camera(rng: Generator, frames: np.ndarray) -> np.ndarray:
    """Vary brightness, white balance, haze and grain as between cameras; return uint8."""
    light = rng.uniform(0.7, 1.1) * rng.uniform(0.9, 1.1, 3).astype(np.float32)
    haze = np.float32(rng.uniform(0, 0.15))
    grain = (rng.random(frames.shape, np.float32) - 0.5) * np.float32(rng.uniform(0, 0.15))
    frames = haze + (1 - haze) * light.astype(np.float32) * frames + grain
    return np.rint(np.clip(frames, 0, 1) * 255).astype(np.uint8)
