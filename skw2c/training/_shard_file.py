"""One shard: a plain tar of clips in WebDataset's naming, written, and indexed for any order."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..exceptions import ShardError

SAMPLES = np.dtype("<i2")
VECTORS = np.dtype("<f2")
_AUDIO, _VECTORS, _TEXT, _FACTS = "audio.npy", "vectors.npy", "text.npy", "json"

CLIP = np.dtype(
    [
        (name, np.int64)
        for name in (
            "audio", "n_samples", "vectors", "n_frames", "text", "facts", "facts_size", "source",
        )
    ]
)  # fmt: skip
"""Where a clip lies in its shard: the byte at which each array begins, and the lengths.

``text`` is -1 where there is no caption. ``source`` is the same for all pieces of a video, and
-1 where the video is not named.
"""

_BLOCK = tarfile.BLOCKSIZE
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
        At 16 kHz.
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


def map_shard(path: str | os.PathLike) -> np.ndarray:
    """Map the bytes of a file into memory; nothing is read yet.

    Raises
    ------
    ShardError
        If it cannot be opened, or is empty.
    """
    try:
        # A plain array: slices of `numpy.memmap` itself are slow to make.
        return np.asarray(np.memmap(path, np.uint8, "r"))
    except (OSError, ValueError) as exc:
        raise ShardError(f"the file cannot be read ({exc})") from exc


def view(data: np.ndarray, start: int, shape: tuple, dtype: np.dtype) -> np.ndarray:
    """An array that lies in mapped bytes; nothing is read yet."""
    return np.ndarray(shape, dtype, data, start)


def scan_shard(
    path: str | os.PathLike, width: int, has_texts: bool
) -> tuple[np.ndarray, list[tuple[str | None, str]]]:
    """Index a shard from its headers, and check all vectors in it.

    Parameters
    ----------
    path : str or os.PathLike
    width : int
        Length of the vectors.
    has_texts : bool
        Whether each clip has a caption.

    Returns
    -------
    clips : ndarray of shape (n_clips,), CLIP
        The clips that are whole, in the order of the file.
    failures : list of tuple (key, cause)
        Those that are not. The key None stands for the file itself.

    Raises
    ------
    ShardError
        If the file cannot be read, or is no tar file.
    """
    data = map_shard(path)
    samples, damage = _list_samples(path, data)
    clips, failures = [], [(None, damage)] if damage else []
    for key, members in samples.items():
        try:
            clips.append(_locate(data, members, width, has_texts))
        except ShardError as exc:
            failures.append((key, str(exc)))
    return np.array(clips, CLIP), failures


def _list_samples(path, data: np.ndarray) -> tuple[dict[str, dict], str | None]:
    """Start and size of the members of each sample, and what ends the list too early."""
    samples: dict[str, dict[str, tuple[int, int]]] = {}
    try:
        tar = tarfile.open(path, "r:")  # noqa: SIM115
    except (tarfile.TarError, OSError) as exc:
        raise ShardError(f"the file is no uncompressed tar file ({exc})") from exc
    with tar:
        try:
            for name, start, size in _list_members(tar):
                folder, slash, name = name.rpartition("/")
                key, _, kind = name.partition(".")
                samples.setdefault(folder + slash + key, {})[kind] = start, size
        except (tarfile.TarError, OSError, ValueError) as exc:
            return samples, f"the file is damaged or truncated ({exc})"
        end = data[tar.offset : tar.offset + _BLOCK]
    if not len(end):
        return samples, "the file is truncated: the end mark of a tar file is missing"
    # `tarfile` takes a damaged header for the end.
    return samples, f"the file is damaged at byte {tar.offset}" if end.any() else None


def _list_members(tar: tarfile.TarFile) -> Iterator[tuple[str, int, int]]:
    last = -1
    for member in tar:
        if member.offset_data <= last:
            raise ShardError(f"the header before byte {member.offset_data} leads backwards")
        last = member.offset_data
        if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
            yield member.name, member.offset_data, member.size


def _locate(data: np.ndarray, members: dict, width: int, has_texts: bool) -> tuple:
    """One row of the index; raise `ShardError` for a sample that is not whole."""
    wanted = [_AUDIO, _VECTORS, _FACTS, *([_TEXT] if has_texts else [])]
    missing = [name for name in wanted if name not in members]
    if missing:
        raise ShardError(f"the member {missing[0]} is missing")
    audio, (n_samples,) = _find_array(data, members, _AUDIO, SAMPLES, 1)
    vectors, (n_frames, _) = _find_vectors(data, members, _VECTORS, 2, width)
    text = _find_vectors(data, members, _TEXT, 1, width)[0] if has_texts else -1
    facts, size = _find(data, members, _FACTS)
    source = _number_source(data[facts : facts + size].tobytes())
    return audio, n_samples, vectors, n_frames, text, facts, size, source


def _number_source(facts: bytes) -> int:
    """A number for the video that a piece is from."""
    try:
        name = json.loads(facts)["name"]
    except (ValueError, KeyError, TypeError):
        return -1
    return int.from_bytes(hashlib.sha256(str(name).encode()).digest()[:8], "big") >> 1


def _find(data: np.ndarray, members: dict, name: str) -> tuple[int, int]:
    start, size = members[name]
    if start + size > len(data):
        raise ShardError(f"{name} is cut off by the end of the file")
    return start, size


def _find_array(data, members: dict, name: str, dtype: np.dtype, ndim: int) -> tuple[int, tuple]:
    """First byte and shape of the array in an npy file, which is never unpickled."""
    start, size = _find(data, members, name)
    file = io.BytesIO(data[start : start + min(size, _HEADER)].tobytes())
    try:
        shape, is_fortran, stated = _READERS[np.lib.format.read_magic(file)](file)
    except Exception as exc:  # what numpy raises depends on the kind of damage
        raise ShardError(f"{name} is no npy file ({exc})") from exc
    if stated != dtype or len(shape) != ndim or (is_fortran and ndim > 1):
        raise ShardError(
            f"{name} holds {stated} of shape {shape}{' in Fortran order' * is_fortran}, expected "
            f"are {dtype.name} in {ndim} dimension{'s' * (ndim > 1)}, in C order"
        )
    if min(shape) < 1 or file.tell() + np.prod(shape, dtype=object) * dtype.itemsize != size:
        raise ShardError(f"{name} states the shape {shape}, which its {size} bytes do not fit")
    return start + file.tell(), shape


def _find_vectors(data, members: dict, name: str, ndim: int, width: int) -> tuple[int, tuple]:
    start, shape = _find_array(data, members, name, VECTORS, ndim)
    if shape[-1] != width:
        raise ShardError(f"{name} has vectors of {shape[-1]} numbers, expected are {width}")
    if not np.isfinite(view(data, start, shape, VECTORS)).all():
        raise ShardError(f"{name} holds NaN or infinite numbers")
    return start, shape
