"""Where a data set lies in a folder, and which of its files are there."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Reader:
    """How a data set is found and read.

    Attributes
    ----------
    name : str
        What the command line calls it.
    title : str
    load : callable
        Takes the folder of the data set, and options, and returns an `AudioDataset`.
    url, licence : str
    folders : tuple of str
        Patterns of the names that the folder of the data set has.
    inside : tuple of str
        Patterns of the names of the folders in it.
    markers : tuple of str
        Files by which the folder is known, the usual ones first; one of them is enough.
    advice : str
        What to know for unpacking it.
    is_marker : callable
        Takes the path of a marker and tells whether it is one.
    """

    name: str
    title: str
    load: Callable
    url: str
    licence: str
    folders: tuple
    inside: tuple
    markers: tuple
    advice: str = ""
    is_marker: Callable = Path.is_file

    @property
    def source(self):
        """Where to get the data set."""
        return " ".join(f"{self.title} is at {self.url} ({self.licence}). {self.advice}".split())

    def holds(self, folder):
        """Tell whether a folder is that of the data set."""
        return any(self.is_marker(folder / marker) for marker in self.markers)

    def find(self, data_root):
        """Find the folder of the data set.

        Parameters
        ----------
        data_root : str or Path
            This folder itself, one in it, or one that holds it.

        Returns
        -------
        Path

        Raises
        ------
        FileNotFoundError
            If it is not there; the message tells where to get it.
        ValueError
            If there are several.
        """
        given = Path(os.path.abspath(Path(data_root).expanduser()))
        if not given.is_dir():
            raise FileNotFoundError(
                f"{data_root} is a file: unpack the archive and give its folder. {self.source}"
                if given.is_file()
                else f"There is no folder {data_root}. {self.source}"
            )
        root = given if self.holds(given) else self._find_above(given) or self._find_below(given)
        if root is None:
            raise FileNotFoundError(f"{self._describe_absence(given)}. {self.source}")
        return root

    def read(self, data_root, **options):
        """Read the data set; ``data_root`` is as in `find`, and ``options`` go to ``load``."""
        root = self.find(data_root)
        try:
            return self.load(root, **options)
        except FileNotFoundError as exc:
            raise FileNotFoundError(f"{exc}. {self.source}") from exc

    def _find_above(self, given):
        for parent in given.parents:
            own = given.relative_to(parent).parts[0]
            if _matches(own, self.inside) and self.holds(parent):
                return parent
        return None

    def _find_below(self, given):
        children = list_folders(given)
        named = [child for child in children if _matches(child.name, self.folders)]
        nested = [folder for child in named for folder in list_folders(child)]
        for candidates in (named, nested, children):
            roots = [folder for folder in candidates if self.holds(folder)]
            if len(roots) > 1:
                raise ValueError(
                    f"{given} holds {self.title} more than once: give one of the folders "
                    f"{', '.join(map(str, roots))}"
                )
            if roots:
                return roots[0]
        return None

    def _describe_absence(self, given):
        text = f"There is no {' or '.join(self.markers[:3])} in {given} nor in a folder of it"
        folders = [*list_folders(given), given]
        named = [folder for folder in folders if _matches(folder.name, self.folders)]
        return f"{text}, though {named[0]} is there" if named else text


def _matches(name, patterns):
    return any(fnmatch(name.lower(), pattern.lower()) for pattern in patterns)


def list_folders(folder):
    """List the folders in a folder, but hidden ones, in the order of their names."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_dir()]
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def list_files(folder):
    """Names of the files in a folder, none if there is no such folder."""
    if not os.path.isdir(folder):
        return set()
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_file()}


def are_there(paths):
    """Tell which files are there, by names that are equal to the letter.

    Each folder is listed once: asking after each file takes minutes on a network drive.

    Returns
    -------
    ndarray of shape (n_paths,), bool
    """
    places = [os.path.split(path) for path in paths]
    names = {folder: list_files(folder) for folder in {folder for folder, _ in places}}
    return np.array([name in names[folder] for folder, name in places], dtype=bool)


def keep_present(dataset, listing, there=None):
    """Drop the clips whose files are absent, and note what that means for the numbers.

    Parameters
    ----------
    dataset : AudioDataset
        With all clips that are listed.
    listing : Path or str
        What lists them, for the error.
    there : ndarray of shape (n_clips,), bool, or None
        Which files are there; by default those that are.

    Returns
    -------
    AudioDataset

    Raises
    ------
    FileNotFoundError
        If no file is there.
    """
    there = are_there(dataset.clips) if there is None else there
    if not there.any():
        raise FileNotFoundError(
            f"None of the {len(dataset)} files that {listing} lists is there, such as "
            f"{dataset.clips[0]}"
        )
    kept = dataset.take(there)
    kept.missing = [
        clip for clip, is_there in zip(dataset.clips, there, strict=True) if not is_there
    ]
    kept.notes = [*kept.notes, *_note_gaps(dataset, kept), *_note_leaks(kept)]
    return kept


def _note_gaps(listed, kept):
    """Parts and classes of which no clip is there."""
    for what in ("split", "fold"):
        if getattr(listed, what) is not None:
            gone = np.setdiff1d(getattr(listed, what), getattr(kept, what))
            if gone.size:
                yield f"No clip of {what} {', '.join(map(str, gone))} is there."
    if listed.target is not None:
        gone = len(_used(listed)) - len(_used(kept))
        if gone:
            yield f"No clip of {gone} of the {len(listed.classes)} classes is there."


def _used(dataset):
    """Classes that some clip has."""
    return np.flatnonzero(dataset.target.any(0)) if dataset.multilabel else set(dataset.target)


def _note_leaks(dataset):
    """Recordings of which clips lie on both sides of a division."""
    for what in ("split", "fold"):
        parts = getattr(dataset, what)
        if parts is not None and dataset.group is not None:
            count = int((pd.Series(parts).groupby(dataset.group).nunique() > 1).sum())
            if count:
                yield f"{count} recordings have clips in more than one official {what}."
