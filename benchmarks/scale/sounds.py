"""Generated sounds in a folder, and what a data set says of them."""

import os

import numpy as np
import pandas as pd
import soundfile

N_DISTINCT = 500


def write_sounds(folder, n_files, seconds, rate=44100, n_broken=0, seed=0):
    """Write sounds of noise under many names; files beyond some hundreds are links to them.

    Parameters
    ----------
    folder : Path
    n_files : int
    seconds : float
    rate : int
    n_broken : int
        How many, spread evenly, are not sounds.
    seed : int
    """
    rng = np.random.default_rng(seed)
    source = folder.parent / f"{folder.name}-distinct"
    source.mkdir()
    n_distinct = min(n_files, N_DISTINCT)
    for number in range(n_distinct):
        noise = rng.normal(scale=0.1, size=round(seconds * rate)).cumsum()
        noise = 0.5 * noise / np.abs(noise).max()
        soundfile.write(source / f"{number}.wav", noise, rate, subtype="PCM_16")
    (source / "broken.wav").write_bytes(b"no sound")
    for name in source.iterdir():
        os.utime(name, (1.7e9, 1.7e9))
    every = n_files // n_broken if n_broken else 0
    for number in range(n_files):
        below = folder / f"{number // 1000:04}"
        below.mkdir(parents=True, exist_ok=True)
        is_broken = every and number % every == every - 1
        name = "broken" if is_broken else number % n_distinct
        os.link(source / f"{name}.wav", below / f"{number:07}.wav")


def read_rows(out):
    """The rows of a data set, sorted by file."""
    return pd.read_parquet(out).sort_values("file", ignore_index=True)


def same_bits(one, other):
    """Whether two tables hold the same, to the bit."""
    apart = [table.drop(columns="vector") for table in (one, other)]
    return apart[0].equals(apart[1]) and all(
        (a is None) == (b is None) and (a is None or np.array_equal(a, b))
        for a, b in zip(one["vector"], other["vector"], strict=True)
    )
