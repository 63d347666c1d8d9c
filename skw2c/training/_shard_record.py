"""The record beside a shard, which lists what lies where in it, and the shard as it is opened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..exceptions import ShardError
from ..system._atomic import write_atomically
from ._shard_file import CLIP, COLUMNS, LONGEST_FACTS, SAMPLES, VECTORS, scan_shard
from ._shard_folder import read_json


@dataclass(frozen=True)
class Record:
    """What was noted when a shard was finished.

    Attributes
    ----------
    size : int
        Bytes of the shard.
    sha256 : str
        Of the shard.
    width : int
        Dimension of its vectors.
    clips : ndarray of shape (n_clips,), CLIP
        Where its clips lie, as the file states: `fits` checks whether they can lie there.
    failures : list of tuple (row, cause)
        Videos that are not in it.
    unreached : list of int
        Rows of those that could not be fetched, and may be to be had another time.
    """

    size: int
    sha256: str
    width: int
    clips: np.ndarray
    failures: list
    unreached: list

    def fits(self, width: int, has_texts: bool) -> bool:
        """Whether all clips lie within the shard, with vectors of this width."""
        # Each length is compared before it is multiplied, which could overflow.
        unit, most = width * VECTORS.itemsize, self.size
        places = [
            ("audio", self.clips["n_samples"], SAMPLES.itemsize),
            ("vectors", self.clips["n_frames"], unit),
            ("facts", self.clips["facts_size"], 1),
        ]
        if has_texts:
            places.append(("text", np.ones(len(self.clips), np.int64), unit))
        return (
            self.width == width
            and bool((self.clips["facts_size"] <= LONGEST_FACTS).all())
            and all(
                ((number >= 1) & (number <= most // unit)).all()
                and (self.clips[name] >= 0).all()
                and (self.clips[name] <= most - number * unit).all()
                for name, number, unit in places
            )
        )


@dataclass
class Shard:
    """What is known of one shard.

    Attributes
    ----------
    path : Path
    size : int
        Bytes of the file.
    clips : ndarray of shape (n_clips,), CLIP
        Where its clips lie.
    digest : str
        The same for the same content: the recorded SHA-256, or else one of ``clips``.
    failures : list of tuple (key or None, cause)
        What of it cannot be used.
    """

    path: Path
    size: int
    clips: np.ndarray
    digest: str
    failures: list = field(default_factory=list)


def open_shard(path: Path, width: int, has_texts: bool) -> Shard:
    """Find the clips of a shard: from its record where that fits, else from its headers.

    Raises
    ------
    ShardError
        If the file cannot be read, or is not a tar file.
    """
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as exc:
        cause = getattr(exc, "strerror", None) or exc
        raise ShardError(f"the file cannot be read ({cause})") from exc
    record = read_record(path)
    if record is not None and record.size == size and record.fits(width, has_texts):
        return Shard(path, size, record.clips, record.sha256)
    clips, failures = scan_shard(path, width, has_texts)
    if record is not None and record.size != size:
        cause = (
            f"the file has {size} bytes, and {record.size} were written; {len(clips)} of its "
            f"{len(record.clips)} clips are complete"
        )
        failures = [(None, cause), *(failure for failure in failures if failure[0] is not None)]
    return Shard(path, size, clips, _digest(clips), failures)


def read_finished(path: Path) -> Record | None:
    """The record of a shard that is there as it was written, else None."""
    record = read_record(path)
    fits = record is not None and path.is_file() and path.stat().st_size == record.size
    return record if fits else None


def read_record(path: Path) -> Record | None:
    """The record of a shard that was written to its end; None where it is missing or damaged."""
    try:
        content = read_json(_place(path))
        columns = [_read_column(content["clips"][name]) for name in COLUMNS]
        clips = np.zeros(len(columns[0]), CLIP)
        for name, column in zip(COLUMNS, columns, strict=True):
            if len(column) != len(clips):
                raise ValueError("the columns of a record have several lengths")
            clips[name] = column
        record = Record(
            size=_expect(content["bytes"], int),
            sha256=_expect(content["sha256"], str),
            width=_expect(content["width"], int),
            clips=clips,
            failures=[
                (_expect(row, int), _expect(cause, str)) for row, cause in content["failures"]
            ],
            unreached=[_expect(row, int) for row in content.get("unreached", [])],
        )
        # Records of former versions have no checksum.
        return record if content.get("clips_sha256") in (None, _digest(clips)) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _expect(value, kind: type):
    if type(value) is not kind:
        raise TypeError(f"{value!r:.99} is not a {kind.__name__}")
    return value


def _read_column(numbers: list) -> np.ndarray:
    column = np.array(_expect(numbers, list) or np.zeros(0, np.int64))
    if column.ndim != 1 or column.dtype != np.int64:
        raise TypeError("a column of a record does not consist of whole numbers")
    return column


def write_record(
    path: Path,
    clips: np.ndarray,
    *,
    sha256: str,
    width: int,
    failures: list,
    unreached: Collection[int] = (),
) -> None:
    """Note what lies where in a shard, which is thereby finished."""
    record = {
        "bytes": path.stat().st_size,
        "sha256": sha256,
        "width": width,
        "failures": failures,
        "unreached": list(unreached),
        "clips": {name: clips[name].tolist() for name in COLUMNS},
        "clips_sha256": _digest(clips),
    }
    write_atomically(_place(path), json.dumps(record).encode())


def _digest(clips: np.ndarray) -> str:
    return hashlib.sha256(clips.tobytes()).hexdigest()


def _place(path: Path) -> Path:
    return path.with_suffix(".json")
