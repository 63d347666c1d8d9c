"""ClipShards: clips in tar files, read piece by piece, so that they need not fit in memory."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from ..exceptions import LeftOutWarning, ShardError
from ._clips import SAMPLING_RATE, Batch, average_frames, heard, repeat_to
from ._shard_file import CLIP, SAMPLES, VECTORS, map_shard, view
from ._shard_folder import LIST, Shard, list_shards, open_shard, read_description, shared_terms

_OPEN_MAPS = 64
_GO_ON = "To leave such clips out and go on, pass on_error='nan'."


class ClipShards:
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
        What becomes of clips that cannot be used: a shard is missing, damaged or cut off, a
        clip lacks a part, or its vectors have another width or are NaN. ``"raise"`` stops
        with an error that names shard and clip. ``"nan"``, as elsewhere, goes on: such clips
        are left out, and one :class:`~skw2c.exceptions.LeftOutWarning` carries their list.

    Attributes
    ----------
    n_samples : ndarray of shape (n_clips,), int64
        Length of each clip at 16 kHz.

    groups : ndarray of shape (n_clips,), int64
        The same number for all pieces of a video, which are kept on one side when a part of
        the clips is set aside for validation.

    width : int
        Length of the teacher's vectors.

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
    Reading a piece touches only its samples and the vectors of its seconds. The shards are
    mapped into memory, at most 64 at a time. An object can be pickled and used after a fork
    and from several threads at once.

    Each shard has a record beside it, ``clips-000012.json`` for ``clips-000012.tar``, with its
    checksum and where its clips lie, so that opening takes no reading. Without a
    record that fits the size of the file, the headers of the tar file are read, and all
    vectors are checked. Damage within a file whose size is right is not looked for where
    there is a record; a piece whose vectors turn out to be NaN is an error when it is read.

    ``identity`` is made of what ``shards.json`` says of the vectors, and the name, size, clips
    and recorded SHA-256 of each shard, in order; where there is no record, the
    checksum is of the places and lengths of the clips. Folders and times of files
    are not part of it.

    Examples
    --------
    >>> from skw2c import ClipShards
    >>> clips = ClipShards("shards")  # doctest: +SKIP
    >>> clips.n_samples.sum() / 16000 / 3600  # hours  # doctest: +SKIP
    550.4
    """

    def __init__(self, paths, *, on_error: str = "raise"):
        if on_error not in ("raise", "nan"):
            raise ValueError(f"on_error={on_error!r} must be 'raise' or 'nan'")
        files = list_shards(paths)
        description = _common_description(files)
        self.width = description["width"]
        self.frame_rate = float(description["frame_rate"])
        self.has_texts = description["texts"]
        self.teacher = description["teacher"]
        shards = [_open(file, self.width, self.has_texts) for file in files]
        self.failures = list(_name_failures(shards, on_error))
        self._clips = np.concatenate([shard.clips for shard in shards])
        self._shard_of = np.repeat(np.arange(len(shards)), [len(shard.clips) for shard in shards])
        self._maps = _Maps([(shard.path, shard.size) for shard in shards])
        self.n_samples = self._clips["n_samples"].copy()
        self.groups = _group(self._clips["source"])
        self._identity = _identify(description, shards)
        self._report()

    def __len__(self) -> int:
        return len(self._clips)

    @property
    def identity(self) -> str:
        """The same for the same data, see the notes of the class."""
        return self._identity

    def read(self, rows: np.ndarray, starts: np.ndarray, length: int) -> Batch:
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
        Batch
            With waveforms in int16, where 32768 stands for 1.

        Raises
        ------
        ShardError
            If a shard changed since it was opened, or vectors are NaN.
        """
        waveforms = np.empty((len(rows), length), SAMPLES)
        targets = np.empty((len(rows), self.width), np.float32)
        lengths = heard(self.n_samples, rows, starts, length)
        for own, (row, start) in enumerate(zip(rows, starts, strict=True)):
            clip, data = self._clips[row], self._maps.get(self._shard_of[row])
            samples = view(data, clip["audio"], (clip["n_samples"],), SAMPLES)
            waveforms[own] = repeat_to(samples[start : start + length], length)
            frames = view(data, clip["vectors"], (clip["n_frames"], self.width), VECTORS)
            targets[own] = average_frames(frames, self.frame_rate, start, lengths[own])
        texts = self._read_texts(rows) if self.has_texts else None
        self._check(rows, targets if texts is None else np.hstack([targets, texts]))
        return Batch(
            torch.from_numpy(waveforms),
            torch.from_numpy(targets),
            None if texts is None else torch.from_numpy(texts),
        )

    def describe(self, row: int) -> dict:
        """What the shard says of a clip.

        Returns
        -------
        dict
            With ``name`` (of the source file), ``start`` and ``duration`` (seconds),
            ``caption`` where there is one, and ``shard`` (name of the tar file).
        """
        clip, shard = self._clips[row], self._shard_of[row]
        data = self._maps.get(shard)
        facts = bytes(view(data, clip["facts"], (clip["facts_size"],), np.dtype(np.uint8)))
        return {**json.loads(facts), "shard": self._maps.path(shard).name}

    def _read_texts(self, rows: np.ndarray) -> np.ndarray:
        texts = np.empty((len(rows), self.width), np.float32)
        for own, row in enumerate(rows):
            data = self._maps.get(self._shard_of[row])
            texts[own] = view(data, self._clips[row]["text"], (self.width,), VECTORS)
        return texts

    def _check(self, rows: np.ndarray, numbers: np.ndarray) -> None:
        finite = np.isfinite(numbers).all(axis=1)
        if not finite.all():
            row = int(rows[np.argmin(finite)])
            path = self._maps.path(self._shard_of[row])
            raise ShardError(
                f"{path}: clip {row} has vectors that are NaN or infinite, so the file was damaged "
                "after it was written. Write the shard again, or put it back from a copy."
            )

    def _report(self) -> None:
        n_found = len(self._clips) + len(self.failures)
        if self.failures:
            warnings.warn(LeftOutWarning(self.failures, n_found, "clip"), stacklevel=3)
        if not len(self._clips):
            raise ShardError("There is no clip in the shards")


def _common_description(files: list[Path]) -> dict:
    """What ``shards.json`` says, which must be the same of all folders."""
    folders = dict.fromkeys(file.parent for file in files)
    (first, description), *others = ((folder, read_description(folder)) for folder in folders)
    if description["sampling_rate"] != SAMPLING_RATE:
        raise ShardError(
            f"The shards in {str(first)!r} are sampled at {description['sampling_rate']} Hz, and "
            f"training is at {SAMPLING_RATE} Hz"
        )
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


def _identify(description: dict, shards: list[Shard]) -> str:
    digest = hashlib.sha256(json.dumps(shared_terms(description)).encode())
    for shard in shards:
        digest.update(f"{shard.path.name} {shard.size} {shard.digest}".encode())
        digest.update(shard.clips.tobytes())
    return digest.hexdigest()


class _Maps:
    """Shards mapped into memory, those that were read last.

    Parameters
    ----------
    files : list of tuple (path, size in bytes)
    """

    def __init__(self, files: list[tuple[Path, int]]):
        self._files = files
        self._forget()

    def __getstate__(self) -> dict:
        return {"_files": self._files}

    def __setstate__(self, state: dict) -> None:
        self.__init__(state["_files"])

    def path(self, number: int) -> Path:
        """Where a shard lies."""
        return self._files[number][0]

    def get(self, number: int) -> np.ndarray:
        """The bytes of a shard, mapped anew where it was not among the last."""
        if self._process != os.getpid():
            self._forget()  # a thread of the parent may have held the lock during the fork
        with self._lock:
            if number not in self._maps:
                self._maps[number] = self._map(number)
            self._maps.move_to_end(number)
            if len(self._maps) > _OPEN_MAPS:
                self._maps.popitem(last=False)
            return self._maps[number]

    def _forget(self) -> None:
        self._maps: OrderedDict[int, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()
        self._process = os.getpid()

    def _map(self, number: int) -> np.ndarray:
        path, size = self._files[number]
        try:
            data = map_shard(path)
        except ShardError as exc:
            raise ShardError(f"{path}: {exc}") from exc
        if len(data) != size:
            raise ShardError(
                f"{path}: the file has {len(data)} bytes, and had {size} when it was opened"
            )
        return data
