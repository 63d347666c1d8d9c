"""ClipShards: clips in tar files, read piece by piece, so that they need not fit in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from ..exceptions import LeftOutWarning, ShardError
from ..system._warning import warn_caller
from ._batch import SoundBatch
from ._clips import TrainingClips, repeat_to, unrepeated_lengths
from ._open_files import OpenFile, OpenFiles
from ._shard_file import CLIP, SAMPLES, VECTORS
from ._shard_folder import LIST, list_shards, read_description, shared_terms
from ._shard_record import Shard, open_shard
from ._targets import average, which_frames

_GO_ON = "To leave such clips out and go on, pass on_error='nan'."


class ClipShards(TrainingClips):
    """Clips to train on that lie in shards, as `write_shards` writes them.

    The files are plain tar files in the naming of WebDataset. They are not compressed, so
    each clip can be read by itself: crops, the order of an epoch and going on with an
    interrupted run are the same as for clips in memory.

    Parameters
    ----------
    paths : str, Path or list of them
        A folder of shards, a pattern such as ``"shards/clips-0000*.tar"``, a ``.tar`` file,
        or a list of these. A file ``shards.json`` lies beside the shards; those of several
        folders must agree in teacher, frame rate and width.

    on_error : {"raise", "nan"}, default="raise"
        What becomes of clips that cannot be used: a shard is missing, damaged or truncated, a
        clip lacks a part, or its vectors have another dimension or are NaN. ``"raise"`` stops
        with an error that names shard and clip. ``"nan"``, as elsewhere, goes on: such clips
        are left out, and one :class:`~skw2c.exceptions.LeftOutWarning` carries their list.

    Attributes
    ----------
    sampling_rate : int
        Rate of the sound, in Hz.

    n_samples : ndarray of shape (n_clips,), int64
        Length of each clip at this rate.

    groups : ndarray of shape (n_clips,), int64
        The same number for all pieces of a video, which are kept on one side when a part of
        the clips is held out for validation.

    width : int
        Dimension of the teacher's vectors.

    has_texts : bool
        Whether there are vectors of captions.

    frame_rate : float
        Vectors per second.

    teacher : dict
        Which CLIP made the vectors.

    failures : list of tuple (shard number, name, cause)
        What was left out.

    See Also
    --------
    skw2c.write_shards : Writes shards of videos.

    Notes
    -----
    Reading a piece touches only its samples and the vectors of its seconds. At most 64 shards
    are open at a time. An object can be pickled and used after a fork and from several threads
    at once.

    Each shard has a record beside it, ``clips-000012.json`` for ``clips-000012.tar``, with its
    checksum and where its clips lie, so that opening takes no reading. Without a
    record that fits the size of the file, the headers of the tar file are read, and all
    vectors are checked. A key that occurs twice in a shard is an error: nothing shows which
    sound goes with which vectors. Damage within a file of the right size is not
    looked for where there is a record; a piece whose vectors turn out to be NaN is an error when
    it is read.

    ``fingerprint`` depends on what ``shards.json`` states about the vectors, and on the name,
    size, clips and recorded SHA-256 of each shard, in order; where there is no record, the
    checksum is that of the places and lengths of the clips. Folders and times of files are not
    part of it.

    Examples
    --------
    An untrained teacher, so that nothing is downloaded; ``videos`` is a list of two paths:

    >>> import numpy as np
    >>> from skw2c import CLIPVideoEncoder, ClipShards, write_shards
    >>> teacher = CLIPVideoEncoder("ViT-S-32", None, fps=2, random_state=0)
    >>> result = write_shards(videos, "shards", teacher=teacher, verbose=False)
    >>> clips = ClipShards("shards")
    >>> float(clips.n_samples.sum()) / 16000  # seconds
    4.0
    >>> clips.describe(0)["duration"]
    2.0
    >>> batch = clips.read(np.array([0, 1]), starts=np.array([0, 8000]), length=16000)
    >>> batch.waveforms.shape
    torch.Size([2, 16000])
    """

    def __init__(self, paths, *, on_error: str = "raise"):
        if on_error not in ("raise", "nan"):
            raise ValueError(f"on_error={on_error!r} must be 'raise' or 'nan'")
        files = list_shards(paths)
        description = _common_description(files)
        self.sampling_rate: int = description["sampling_rate"]
        self.width = description["width"]
        self.frame_rate = float(description["frame_rate"])
        self.has_texts = description["texts"]
        self.teacher = description["teacher"]
        shards = [_open(file, self.width, self.has_texts) for file in files]
        self.failures = list(_name_failures(shards, on_error))
        self._clips = np.concatenate([shard.clips for shard in shards])
        self._shard_of = np.repeat(np.arange(len(shards)), [len(shard.clips) for shard in shards])
        self._files = OpenFiles([(shard.path, shard.size) for shard in shards])
        self.n_samples = self._clips["n_samples"].copy()
        self.groups = _group(self._clips["source"])
        self._fingerprint = _make_fingerprint(description, shards)
        self._report()

    def __len__(self) -> int:
        return len(self._clips)

    @property
    def fingerprint(self) -> str:
        """The same for the same data, see the notes of the class."""
        return self._fingerprint

    def split_fingerprint(self) -> None:
        """None, for `fingerprint` depends on which pieces are of one video."""

    def read(self, rows: np.ndarray, starts: np.ndarray, length: int) -> SoundBatch:
        """Read pieces of clips.

        Parameters
        ----------
        rows : ndarray of shape (batch,), int
            Which clips.
        starts : ndarray of shape (batch,), int
            First sample of each piece.
        length : int
            Samples of each piece. A clip that ends before is repeated from the piece's start.

        Returns
        -------
        SoundBatch
            With waveforms in int16, where 32768 stands for 1.

        Raises
        ------
        ShardError
            If a shard changed since it was opened, or vectors are NaN.
        """
        waveforms = np.empty((len(rows), length), SAMPLES)
        targets = np.empty((len(rows), self.width), np.float32)
        lengths = unrepeated_lengths(self.n_samples, rows, starts, length)
        if (lengths < 1).any() or np.any(starts < 0):
            raise ValueError("starts must lie within the clips")
        for own, (row, start) in enumerate(zip(rows, starts, strict=True)):
            with self._open(row) as file:
                self._read_sound(file, row, start, waveforms[own, : lengths[own]])
                targets[own] = self._read_target(file, row, start, lengths[own])
            if lengths[own] < length:
                waveforms[own] = repeat_to(waveforms[own, : lengths[own]], length)
        texts = self._read_texts(rows) if self.has_texts else None
        self._check(rows, targets if texts is None else np.hstack([targets, texts]))
        return SoundBatch(
            torch.from_numpy(waveforms),
            torch.from_numpy(targets),
            None if texts is None else torch.from_numpy(texts),
        )

    def describe(self, row: int) -> dict:
        """What the shard states about a clip.

        Returns
        -------
        dict
            With ``name`` (of the source file), ``start`` and ``duration`` (seconds),
            ``caption`` where there is one, and ``shard`` (name of the tar file).
        """
        clip = self._clips[row]
        with self._open(row) as file:
            content = file.read(int(clip["facts"]), int(clip["facts_size"]))
            try:
                facts = dict(**json.loads(content))
            except (ValueError, TypeError, RecursionError) as exc:
                raise ShardError("its json does not describe a clip") from exc
        return {**facts, "shard": self._files.path(self._shard_of[row]).name}

    @contextmanager
    def _open(self, row: int) -> Iterator[OpenFile]:
        """The shard of a clip, which errors of reading name."""
        file = self._files.get(self._shard_of[row])
        try:
            yield file
        except ShardError as exc:
            path = self._files.path(self._shard_of[row])
            raise ShardError(
                f"{path}: clip {row} cannot be read ({exc}). Write the shard again, or put it "
                "back from a copy."
            ) from exc

    def _read_sound(self, file: OpenFile, row: int, start: int, samples: np.ndarray) -> None:
        """Fill an array with the samples of a clip from ``start`` on."""
        place = int(self._clips["audio"][row]) + int(start) * SAMPLES.itemsize
        file.read_into(place, samples)

    def _read_target(self, file: OpenFile, row: int, start: int, length: int) -> np.ndarray:
        """Mean vector of the frames that are shown during a piece."""
        shown = which_frames(
            int(self._clips["n_frames"][row]), self.frame_rate, self.sampling_rate, start, length
        )
        frames = np.empty((shown.stop - shown.start, self.width), VECTORS)
        place = int(self._clips["vectors"][row]) + shown.start * frames.itemsize * self.width
        file.read_into(place, frames)
        return average(frames)

    def _read_texts(self, rows: np.ndarray) -> np.ndarray:
        texts = np.empty((len(rows), self.width), np.float32)
        vector = np.empty(self.width, VECTORS)
        for own, row in enumerate(rows):
            with self._open(row) as file:
                file.read_into(int(self._clips["text"][row]), vector)
            texts[own] = vector
        return texts

    def _check(self, rows: np.ndarray, numbers: np.ndarray) -> None:
        finite = np.isfinite(numbers).all(axis=1)
        if not finite.all():
            row = int(rows[np.argmin(finite)])
            path = self._files.path(self._shard_of[row])
            raise ShardError(
                f"{path}: clip {row} has vectors that are NaN or infinite, so the file was damaged "
                "after it was written. Write the shard again, or put it back from a copy."
            )

    def _report(self) -> None:
        n_found = len(self._clips) + len(self.failures)
        if self.failures:
            warn_caller(LeftOutWarning(self.failures, n_found, "clip"))
        if not len(self._clips):
            raise ShardError("There are no clips in the shards")


def _common_description(files: list[Path]) -> dict:
    """What ``shards.json`` states, which must be the same of all folders."""
    folders = dict.fromkeys(file.parent for file in files)
    (first, description), *others = ((folder, read_description(folder)) for folder in folders)
    expected = shared_terms(description)
    for folder, other in others:
        found = shared_terms(other)
        for name in sorted({*expected, *found}):
            if found.get(name) != expected.get(name):
                raise ShardError(
                    f"{LIST} in {str(folder)!r} and in {str(first)!r} differ in {name}: "
                    f"{found.get(name)!r} and {expected.get(name)!r}. What is trained on "
                    "together comes from one teacher, in one form."
                )
    return description


def _open(path: Path, width: int, has_texts: bool) -> Shard:
    """Open a shard; one that cannot be read has no clips."""
    try:
        return open_shard(path, width, has_texts)
    except ShardError as exc:
        return Shard(path, 0, np.zeros(0, CLIP), "", [(None, str(exc))])


def _name_failures(shards: list[Shard], on_error: str) -> Iterator[tuple[int, str, str]]:
    """What cannot be used, by shard and clip; an error under ``on_error="raise"``."""
    for number, shard in enumerate(shards):
        for key, cause in shard.failures:
            name = f"{shard.path}" if key is None else f"{shard.path}, clip {key}"
            if on_error == "raise":
                raise ShardError(
                    f"{name}: {cause}. Write the shard again, or put it back from a copy. {_GO_ON}"
                )
            yield number, name, cause


def _group(sources: np.ndarray) -> np.ndarray:
    """Number the videos; a clip whose video is not known is by itself."""
    alone = -1 - np.arange(len(sources))
    return np.unique(np.where(sources < 0, alone, sources), return_inverse=True)[1]


def _make_fingerprint(description: dict, shards: list[Shard]) -> str:
    digest = hashlib.sha256(json.dumps(shared_terms(description)).encode())
    for shard in shards:
        digest.update(f"{shard.path.name} {shard.size} {shard.digest}".encode())
        digest.update(shard.clips.tobytes())
    return digest.hexdigest()
