"""Readers of the data sets, each from the folder into which its archives were unpacked."""

from pathlib import Path

import pandas as pd

from . import clotho, desed, esc50, fsd50k, tau2021, urbansound8k, vggsound
from ._layout import Reader

READERS: dict[str, Reader] = {
    module.READER.name: module.READER
    for module in (esc50, urbansound8k, fsd50k, vggsound, tau2021, desed, clotho)
}


def read(name, data_root, **options):
    """Read a data set.

    Parameters
    ----------
    name : str
        One of `READERS`.
    data_root : str or Path
        The folder of the data set, one in it, or one that holds it, alone or among others.
    **options
        What the reader of this data set takes besides.

    Returns
    -------
    AudioDataset

    Raises
    ------
    FileNotFoundError
        If it is not there; the message tells where to get it.
    ValueError
        If the name is unknown, or a list of clips is broken.
    """
    if name not in READERS:
        raise ValueError(f"got the data set {name!r}, expected one of: {', '.join(READERS)}")
    return READERS[name].read(data_root, **options)


def check_data(data_root, names=None):
    """Tell which data sets a folder holds, and whether they are complete.

    Parameters
    ----------
    data_root : str or Path
        The folder of one data set, or one that holds several.
    names : sequence of str or None, default=None
        Out of `READERS`, those to look for. None looks for all.

    Returns
    -------
    DataFrame
        One row per data set: ``name``; ``found``, its folder or ""; ``clips``, how many are
        there; ``absent``, how many more are listed; ``missing``, what is missing and where it
        can be had, or ""; ``notes``.
    """
    if not Path(data_root).expanduser().is_dir():
        raise FileNotFoundError(f"There is no folder {data_root}")
    rows = [_check(READERS[name], data_root) for name in names or READERS]
    columns = ["name", "found", "clips", "absent", "missing", "notes"]
    return pd.DataFrame(rows, columns=columns, dtype=object)  # names may hold any bytes


def _check(reader, data_root):
    found = ""
    try:
        found = str(reader.find(data_root))
        dataset = reader.read(found)
    except (OSError, ValueError) as exc:
        return reader.name, found, 0, 0, str(exc), ""
    missing = f"such as {dataset.missing[0]}. {reader.source}" if dataset.missing else ""
    return (
        reader.name,
        found,
        len(dataset),
        len(dataset.missing),
        missing,
        " ".join(dataset.notes),
    )
