"""A folder of shards: what ``shards.json`` says of all, and the record of each finished one."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .._atomic import write_atomically
from ..exceptions import ShardError
from ._shard_file import CLIP, SAMPLES, VECTORS, scan_shard

LIST = "shards.json"
FORMAT = "skw2c shards"
VERSION = 1
_NEEDED = {
    "frame_rate": (int, float),
    "width": int,
    "texts": bool,
    "sampling_rate": int,
    "teacher": dict,
}


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


def list_shards(paths) -> list[Path]:
    """List the shards that folders, patterns and names mean.

    What ``shards.json`` lists and a folder lacks is among them, for `open_shard` to judge.

    Raises
    ------
    ShardError
        If a name means no shard.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    files = [file for path in paths for file in _files_of(os.fspath(path))]
    if not files:
        raise ShardError("paths is empty: there is no shard in it")
    return list(dict.fromkeys(files))


def _files_of(path: str) -> list[Path]:
    if os.path.isdir(path):
        listed = read_description(path).get("shards", {})
        found = glob.glob(os.path.join(glob.escape(path), "*.tar"))
        names = {os.path.basename(file) for file in found}.union(listed)
    elif os.path.exists(path):
        return [Path(path)]
    else:
        names = glob.glob(path, recursive=True)
    if not names:
        raise ShardError(f"There is no shard {path!r}: it is no folder, file or pattern of shards")
    folder = path if os.path.isdir(path) else ""
    return [Path(folder, name) for name in sorted(names)]


def read_description(folder: str | os.PathLike) -> dict:
    """Read what ``shards.json`` says.

    Raises
    ------
    ShardError
        If it is missing, damaged or of another version.
    """
    path = Path(folder) / LIST
    try:
        description = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as exc:
        raise ShardError(
            f"There is no {LIST} in {str(folder)!r}, which states frame rate and width of the "
            "shards beside it: put it back from where the shards were written"
        ) from exc
    except (OSError, ValueError) as exc:
        raise ShardError(f"{str(path)!r} is damaged ({exc}): put it back from a copy") from exc
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise ShardError(f"{str(path)!r} is no list of shards of skw2c")
    if description.get("version") != VERSION:
        raise ShardError(
            f"{str(path)!r} is of version {description.get('version')!r}, and this skw2c reads "
            f"version {VERSION}: use the skw2c that wrote it ({description.get('created_by')})"
        )
    for name, kind in _NEEDED.items():
        if not isinstance(description.get(name), kind):
            raise ShardError(f"{str(path)!r} is damaged: its entry {name!r} is missing or wrong")
    return description


def shared_terms(description: dict) -> dict:
    """What shards that are trained on together must agree in."""
    teacher = description["teacher"]
    if "identity" in teacher:  # which says more than the names under which it was found
        teacher = {name: teacher[name] for name in teacher if name not in ("model", "pretrained")}
    shared = {name: description[name] for name in ("sampling_rate", "frame_rate", "width", "texts")}
    return {**shared, **{f"teacher {name}": value for name, value in sorted(teacher.items())}}


def claim_folder(folder: Path, description: dict) -> None:
    """Make the folder one of this configuration, or make sure that it is.

    Raises
    ------
    ShardError
        If it holds shards of other videos, or of another configuration.
    """
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if (folder / LIST).exists():
            _compare(folder, read_description(folder), description)
            return
        strangers = sorted(folder.glob("*.tar"))
        if strangers:
            raise ShardError(
                f"The folder {str(folder)!r} holds {strangers[0].name!r} and no {LIST}, which "
                "would tell what it was made of: choose another folder"
            )
        write_description(folder, description)


def _compare(folder: Path, there: dict, here: dict) -> None:
    for name, wanted in _terms_of_writing(here).items():
        found = _terms_of_writing(there).get(name)
        if found != wanted:
            raise ShardError(
                f"The folder {str(folder)!r} holds shards of another configuration: {name} is "
                f"{found!r} there and {wanted!r} here. Choose another folder, or the same "
                "arguments as before. Nothing was written."
            )
    found, wanted = there.get("shards", {}), here["shards"]
    for name in sorted({*found, *wanted}):
        if found.get(name) != wanted.get(name):
            raise ShardError(
                f"The folder {str(folder)!r} holds shards of other videos, {name} the first of "
                "them. Choose another folder, or the same videos in the same order. Nothing "
                "was written."
            )


def _terms_of_writing(description: dict) -> dict:
    names = ("piece_length", "clips_per_shard", "captions_sha256")
    return {**shared_terms(description), **{name: description.get(name) for name in names}}


def write_description(folder: Path, description: dict) -> None:
    """Write ``shards.json``."""
    content = {"format": FORMAT, "version": VERSION, **description}
    write_atomically(folder / LIST, json.dumps(content, indent=1).encode())


def read_record(path: Path) -> dict | None:
    """The record of a shard that was written to its end; None where there is none."""
    try:
        record = json.loads(_place(path).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    names = ("bytes", "sha256", "width", "failures", "clips")
    return record if isinstance(record, dict) and all(name in record for name in names) else None


def write_record(path: Path, clips: np.ndarray, *, sha256: str, width: int, failures: list) -> None:
    """Note what lies where in a shard, which is thereby finished."""
    record = {
        "bytes": path.stat().st_size,
        "sha256": sha256,
        "width": width,
        "failures": failures,
        "clips": {name: clips[name].tolist() for name in CLIP.names},
    }
    write_atomically(_place(path), json.dumps(record).encode())


def _place(path: Path) -> Path:
    return path.with_suffix(".json")


def read_finished(path: Path) -> dict | None:
    """The record of a shard that is there as it was written, else None."""
    record = read_record(path)
    fits = record is not None and path.is_file() and path.stat().st_size == record["bytes"]
    return record if fits else None


def open_shard(path: Path, width: int, has_texts: bool) -> Shard:
    """Find the clips of a shard: from its record where that fits, else from its headers.

    Raises
    ------
    ShardError
        If the file cannot be read, or is no tar file.
    """
    try:
        size = path.stat().st_size
    except OSError as exc:
        raise ShardError(f"the file cannot be read ({exc.strerror})") from exc
    record = read_record(path)
    if record is not None and record["bytes"] == size:
        clips = _recorded_clips(record, width, has_texts)
        if clips is not None:
            return Shard(path, size, clips, record["sha256"])
    clips, failures = scan_shard(path, width, has_texts)
    digest = hashlib.sha256(clips.tobytes()).hexdigest()
    if record is not None and record["bytes"] != size:
        cause = (
            f"the file has {size} bytes, and {record['bytes']} were written; {len(clips)} of its "
            f"{_n_recorded(record)} clips are whole"
        )
        failures = [(None, cause), *(failure for failure in failures if failure[0] is not None)]
    return Shard(path, size, clips, digest, failures)


def _n_recorded(record: dict) -> int | str:
    try:
        return len(record["clips"]["n_samples"])
    except (KeyError, TypeError):
        return "unknown number of"


def _recorded_clips(record: dict, width: int, has_texts: bool) -> np.ndarray | None:
    """The index in a record, or None where it cannot be one of this file."""
    try:
        columns = [np.array(record["clips"][name], np.int64) for name in CLIP.names]
        clips = np.zeros(len(columns[0]), CLIP)
        for name, column in zip(CLIP.names, columns, strict=True):
            clips[name] = column
    except (KeyError, TypeError, ValueError):
        return None
    if record["width"] != width:
        return None
    lengths = {
        "audio": clips["n_samples"] * SAMPLES.itemsize,
        "vectors": clips["n_frames"] * width * VECTORS.itemsize,
        "facts": clips["facts_size"],
    }
    if has_texts:
        lengths["text"] = np.full(len(clips), width * VECTORS.itemsize)
    fits = all(
        (clips[name] >= 0).all() and (length >= 1).all()
        and (clips[name] + length <= record["bytes"]).all()
        for name, length in lengths.items()
    )  # fmt: skip
    return clips if fits else None
