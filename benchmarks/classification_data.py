"""Labelled clips with folds: an ESC-50 folder, or generated sounds in its place."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from skw2c.datasets import make_sound_events

N_FOLDS = 5


@dataclass
class ClassificationData:
    """Clips to classify, with their official folds.

    Attributes
    ----------
    name : str
        What tables call it.
    clips : list
        Paths, or waveforms at 16 kHz.
    target : ndarray of shape (n_clips,), str
        Names of the classes.
    fold : ndarray of shape (n_clips,), int
        Number of the test fold of each clip.
    missing : list of str
        Files that are listed but absent.
    """

    name: str
    clips: list
    target: np.ndarray
    fold: np.ndarray
    missing: list


def read_esc50(data_root):
    """Read a folder in the layout of ESC-50: ``meta/esc50.csv`` and ``audio/``.

    File names, with whatever extension, folds and classes come from the csv. The folder
    may be the archive's own or the one above it.
    """
    root = _find_root(Path(data_root))
    table = pd.read_csv(root / "meta" / "esc50.csv")
    absent = {"filename", "fold", "category"} - set(table.columns)
    if absent:
        raise ValueError(f"meta/esc50.csv in {root} lacks the columns {sorted(absent)}")
    paths = [root / "audio" / name for name in table["filename"]]
    present = np.array([path.is_file() for path in paths], dtype=bool)
    if not present.any():
        raise FileNotFoundError(
            f"None of the files that {root / 'meta' / 'esc50.csv'} lists is there"
        )
    n_classes = table["category"].nunique()
    return ClassificationData(
        name=f"{'ESC' if n_classes in (10, 50) else 'ESC layout, classes'}-{n_classes}",
        clips=[str(path) for path, there in zip(paths, present, strict=True) if there],
        target=table["category"].to_numpy(str)[present],
        fold=table["fold"].to_numpy()[present],
        missing=[str(path) for path, there in zip(paths, present, strict=True) if not there],
    )


def _find_root(data_root):
    candidates = [data_root, *sorted(data_root.glob("*ESC-50*"))]
    for candidate in candidates:
        if (candidate / "meta" / "esc50.csv").is_file():
            return candidate
    raise FileNotFoundError(
        f"There is no meta/esc50.csv in {data_root} nor in a folder *ESC-50* below it. "
        "ESC-50 is at https://github.com/karolpiczak/ESC-50 (archive/master.zip, CC BY-NC 3.0)."
    )


def make_generated(seed):
    """Generate a set of the same form: 12 kinds of sound, 20 clips each, 5 folds."""
    sounds = make_sound_events(240, duration=(4.0, 5.0), random_state=seed)
    n_kinds = len(sounds.target_names)
    return ClassificationData(
        name=f"generated, {n_kinds} kinds",
        clips=sounds.data,
        target=sounds.target_names[sounds.target],
        fold=1 + np.arange(len(sounds.data)) // n_kinds % N_FOLDS,
        missing=[],
    )
