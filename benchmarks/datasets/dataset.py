"""What every reader of a data set returns, whatever the data set."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

import joblib
import numpy as np
import pandas as pd

from benchmarks.running.extraction import as_bytes, fingerprint_clip

CLIPS_RATE = 16000
"""Rate of clips that are waveforms, in Hz."""


@dataclass
class AudioDataset:
    """Clips and what is known of them.

    Attributes
    ----------
    name : str
        Its name in tables.
    clips : list
        Paths (str) of sound files or videos, or waveforms at 16 kHz.
    classes : list of str
        Names of the classes as the data set spells them, in its official order, else sorted.
    prompts : list of str
        A text for each class, or several of which the vectors are averaged.
    target : ndarray of shape (n_clips,), str, or (n_clips, n_classes), int, or None
        The class of each clip; or 1 for each class that a clip has, and 0 for others.
    split : ndarray of shape (n_clips,), str, or None
        ``"train"``, ``"validation"`` or ``"test"``, where that is official.
    fold : ndarray of shape (n_clips,), int, or None
        Number of the official fold in which the clip is tested.
    group : ndarray of shape (n_clips,), str, or None
        Clips of one group come from one recording, and must not be split.
    captions : list of list of str, or None
        Some captions of each clip.
    events : DataFrame or None
        One row per event: ``row`` (index of the clip), ``label``, ``onset`` and ``offset`` in
        seconds from the start of the clip.
    images : list or None
        For each clip a video (path) or frames (n_frames, height, width, 3), or None where it
        has none.
    nothing : list of str
        Prompts for silence: that none of the classes sounds, where that is a task.
    only_zero_shot : bool
        Whether the set is for tasks alone that learn nothing from its classes.
    by_seconds : bool
        Whether the classes are told of each second, and not of whole clips.
    marks : list of str
        What every cell states about the data, such as that they are generated.
    missing : list of str
        Files that are listed but absent.
    notes : list of str
        What a reader of the report should know of the data.
    mids : list of str or None
        AudioSet's identifiers of the classes, where they have them.
    """

    name: str
    clips: list
    classes: list = field(default_factory=list)
    prompts: list = field(default_factory=list)
    target: np.ndarray | None = None
    split: np.ndarray | None = None
    fold: np.ndarray | None = None
    group: np.ndarray | None = None
    captions: list | None = None
    events: pd.DataFrame | None = None
    images: list | None = None
    nothing: list = field(default_factory=list)
    only_zero_shot: bool = False
    by_seconds: bool = False
    marks: list = field(default_factory=list)
    missing: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    mids: list | None = None

    def __post_init__(self):
        for name in ("target", "split", "fold", "group", "captions", "images"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self):
                raise ValueError(
                    f"{self.name} has {len(self)} clips, and {name} is of length {len(values)}"
                )

    @cached_property
    def fingerprint(self):
        """The same for the same clips and what is known of them."""
        digest = hashlib.sha256(as_bytes("\n".join(map(fingerprint_clip, self.clips))))
        for value in (
            self.classes,
            self.target,
            self.split,
            self.fold,
            self.group,
            self.captions,
            self.by_seconds,
        ):
            digest.update(joblib.hash(value).encode())
        for item in self.images or []:
            digest.update(b"" if item is None else as_bytes(fingerprint_clip(item)))
            digest.update(b"\n")
        if self.events is not None:
            digest.update(self.events.to_csv().encode())
        return digest.hexdigest()

    def __len__(self):
        return len(self.clips)

    @property
    def multilabel(self):
        """Whether a clip may have any number of classes."""
        return self.target is not None and self.target.ndim == 2

    def tested(self):
        """The official part for tests, or all clips where there is none."""
        return self if self.split is None else self.take(self.split == "test")

    def take(self, rows):
        """The data set of some clips; ``rows`` are indices or a mask."""
        rows = np.arange(len(self))[rows]
        events = self.events
        if events is not None:
            position = pd.Series(np.arange(len(rows)), index=rows)
            events = events[events["row"].isin(rows)]
            events = events.assign(row=position[events["row"]].to_numpy()).reset_index(drop=True)
        arrays = {name: getattr(self, name) for name in ("target", "split", "fold", "group")}
        lists = {name: getattr(self, name) for name in ("clips", "captions", "images")}
        return replace(
            self,
            events=events,
            **{name: None if v is None else v[rows] for name, v in arrays.items()},
            **{name: None if v is None else [v[row] for row in rows] for name, v in lists.items()},
        )
