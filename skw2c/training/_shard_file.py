"""One shard: a plain tar of clips in WebDataset's naming, written, and indexed for any order."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..exceptions import ShardError
from ._open_files import OpenFile
from ._tar_samples import Members, list_samples

SAMPLES = np.dtype("<i2")
VECTORS = np.dtype("<f2")
_AUDIO, _VECTORS, _TEXT, _FACTS = "audio.npy", "vectors.npy", "text.npy", "json"

COLUMNS = (
    "audio",
    "n_samples",
    "vectors",
    "n_frames",
    "text",
    "facts",
    "facts_size",
    "source",
)
CLIP = np.dtype([(name, np.int64) for name in COLUMNS])
"""Where a clip lies in its shard: the byte at which each array begins, and the lengths.

``text`` is -1 where there is no caption. ``source`` is the same for all pieces of a video, and
-1 where the video is not named.
"""

LONGEST_FACTS = 1 << 24  # bytes
_PORTION = 1 << 22  # vectors' numbers that are checked at a time
_HEADER = 1 << 14  # bytes; more than the header of any npy file that numpy accepts
_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass
class Clip:
    """What is written of a clip.

    Attributes
    ----------
    key : str
        Name of the clip, without a dot.
    waveform : ndarray of shape (n_samples,), int16
        At the rate of the shard.
    vectors : ndarray of shape (n_frames, width), float16
        The teacher's.
    facts : dict
        What else is known of it.
    text : ndarray of shape (width,), float16, or None
        Vector of the caption.
    """

    key: str
    waveform: np.ndarray
    vectors: np.ndarray
    facts: dict
    text: np.ndarray | None = None


def write_shard(path: str | os.PathLike, clips: Iterable[Clip]) -> None:
    """Write clips as a tar file; the same clips always give the same bytes."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for clip in clips:
            _add(tar, f"{clip.key}.{_AUDIO}", _npy(clip.waveform, SAMPLES))
            _add(tar, f"{clip.key}.{_VECTORS}", _npy(clip.vectors, VECTORS))
            if clip.text is not None:
                _add(tar, f"{clip.key}.{_TEXT}", _npy(clip.text, VECTORS))
            _add(tar, f"{clip.key}.{_FACTS}", json.dumps(clip.facts).encode())


def _npy(array: np.ndarray, dtype: np.dtype) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array, dtype), allow_pickle=False)
    return file.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def scan_shard(
    path: str | os.PathLike, width: int, has_texts: bool
) -> tuple[np.ndarray, list[tuple[str | None, str]]]:
    """Index a shard from its headers, and check all vectors in it.

    Parameters
    ----------
    path : str or os.PathLike
    width : int
        Dimension of the vectors.
    has_texts : bool
        Whether each clip has a caption.

    Returns
    -------
    clips : ndarray of shape (n_clips,), CLIP
        The clips that are complete, in the order of the file.
    failures : list of tuple (key, cause)
        Those that are not. The key None stands for the file itself.

    Raises
    ------
    ShardError
        If the file cannot be read, or is not a tar file.
    """
    file = OpenFile(path)
    if not file.size:
        raise ShardError("the file cannot be read (it is empty)")
    samples, damage = list_samples(file)
    clips: list[tuple] = []
    failures: list[tuple[str | None, str]] = [(None, damage)] if damage else []
    for key, members in samples.items():
        try:
            clips.append(_locate(file, members, width, has_texts))
        except ShardError as exc:
            failures.append((key, str(exc)))
    return np.array(clips, CLIP), failures


def _locate(file: OpenFile, members: Members, width: int, has_texts: bool) -> tuple:
    """One row of the index; raise `ShardError` for a sample that is incomplete."""
    _check_members(members, [_AUDIO, _VECTORS, _FACTS, *([_TEXT] if has_texts else [])])
    audio, (n_samples,) = _find_array(file, members, _AUDIO, SAMPLES, 1)
    vectors, (n_frames, _) = _find_vectors(file, members, _VECTORS, 2, width)
    text = _find_vectors(file, members, _TEXT, 1, width)[0] if has_texts else -1
    facts, size = _find(file, members, _FACTS)
    if not 0 < size <= LONGEST_FACTS:
        raise ShardError(f"{_FACTS} has {size} bytes, which cannot describe a clip")
    source = _number_source(file.read(facts, size))
    return audio, n_samples, vectors, n_frames, text, facts, size, source


def _check_members(members: Members, wanted: list[str]) -> None:
    for name, places in members.items():
        if len(places) > 1:
            (first, _), (second, _) = places[:2]
            raise ShardError(
                f"the member {name} occurs twice, at the bytes {first} and {second}: two clips "
                "have this key, and nothing shows which sound goes with which vectors. Give "
                "each clip of a shard a key of its own"
            )
    missing = [name for name in wanted if name not in members]
    if missing:
        raise ShardError(f"the member {missing[0]} is missing")


def _number_source(facts: bytes) -> int:
    """A number for the video that a piece is from."""
    try:
        name = json.loads(facts)["name"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return -1
    name = str(name).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") >> 1


def _find(file: OpenFile, members: Members, name: str) -> tuple[int, int]:
    [(start, size)] = members[name]
    if size < 0 or start + size > file.size:
        raise ShardError(f"{name} is cut off by the end of the file")
    return start, size


def _find_array(
    file: OpenFile, members: Members, name: str, dtype: np.dtype, ndim: int
) -> tuple[int, tuple]:
    """First byte and shape of the array in an npy file, which is never unpickled."""
    start, size = _find(file, members, name)
    header = io.BytesIO(file.read(start, min(size, _HEADER)))
    try:
        shape, is_fortran, stated = _READERS[np.lib.format.read_magic(header)](header)
    except Exception as exc:  # what numpy raises depends on the kind of damage
        raise ShardError(f"{name} is not an npy file ({exc})") from exc
    if stated != dtype or len(shape) != ndim or (is_fortran and ndim > 1):
        raise ShardError(
            f"{name} holds {stated} of shape {shape}{' in Fortran order' * is_fortran}, expected "
            f"{dtype.name} in {ndim} dimension{'s' * (ndim > 1)}, in C order"
        )
    if min(shape) < 1 or header.tell() + math.prod(shape) * dtype.itemsize != size:
        raise ShardError(f"{name} states the shape {shape}, which its {size} bytes do not fit")
    return start + header.tell(), shape


def _find_vectors(
    file: OpenFile, members: Members, name: str, ndim: int, width: int
) -> tuple[int, tuple]:
    start, shape = _find_array(file, members, name, VECTORS, ndim)
    if shape[-1] != width:
        raise ShardError(f"{name} has vectors of dimension {shape[-1]}, expected {width}")
    left, place = math.prod(shape), start
    while left:
        numbers = np.empty(min(left, _PORTION), VECTORS)
        file.read_into(place, numbers)
        if not np.isfinite(numbers).all():
            raise ShardError(f"{name} holds NaN or infinite numbers")
        left, place = left - len(numbers), place + numbers.nbytes
    return start, shape
