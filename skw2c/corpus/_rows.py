"""What is known of one file of a data set, and many of them as a table of Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..files import Stamp

_FRAMES = [pa.field("start", pa.float64()), pa.field("end", pa.float64())]


@dataclass(slots=True)
class FileRow:
    """What a data set says of one file.

    Attributes
    ----------
    file : str
        Its name, as text.
    stamp : Stamp
        Of the file that was read.
    digest : str or None
        SHA-256 of its content.
    seconds : float or None
        How long it is.
    error : str or None
        Why it has no vector.
    vectors : ndarray of shape (n_frames, width), float32, or None
    times : ndarray of shape (n_frames, 2), float64, or None
        Start and end of the frames in seconds.
    """

    file: str
    stamp: Stamp
    digest: str | None = None
    seconds: float | None = None
    error: str | None = None
    vectors: np.ndarray | None = None
    times: np.ndarray | None = None


def schema(width: int, has_frames: bool, metadata: dict | None = None) -> pa.Schema:
    """The columns of a part."""
    return pa.schema(
        [
            pa.field("file", pa.string(), nullable=False),
            *(_FRAMES if has_frames else ()),
            pa.field("vector", pa.list_(pa.float32(), width)),
            pa.field("error", pa.string()),
            pa.field("size", pa.int64()),
            pa.field("modified", pa.timestamp("ns", tz="UTC")),
            pa.field("etag", pa.string()),
            pa.field("digest", pa.string()),
            pa.field("seconds", pa.float64()),
        ],
        metadata=metadata,
    )


def to_table(rows: list[FileRow], width: int, has_frames: bool, metadata: dict) -> pa.Table:
    """Make the table of a part: a row for each file, or for each of its frames."""
    counts = np.array([1 if row.vectors is None else len(row.vectors) for row in rows], np.int64)
    columns = {
        "file": [row.file for row in rows],
        "error": [row.error for row in rows],
        "size": [row.stamp.size for row in rows],
        "modified": [row.stamp.modified for row in rows],
        "etag": [row.stamp.etag for row in rows],
        "digest": [row.digest for row in rows],
        "seconds": [row.seconds for row in rows],
    }
    fields = schema(width, has_frames, metadata)
    repeats = pa.array(np.repeat(np.arange(len(rows)), counts))
    arrays = {
        name: pa.array(values, fields.field(name).type).take(repeats)
        for name, values in columns.items()
    }
    arrays["vector"] = _to_vectors(rows, counts, width)
    if has_frames:
        arrays["start"], arrays["end"] = _to_times(rows, counts)
    return pa.table([arrays[field.name] for field in fields], schema=fields)


def _to_vectors(rows: list[FileRow], counts: np.ndarray, width: int) -> pa.Array:
    """Vectors as lists of fixed length, null for files without any."""
    lacking = np.repeat([row.vectors is None for row in rows], counts)
    blank = np.zeros((1, width), np.float32)
    parts = [blank if row.vectors is None else row.vectors for row in rows]
    flat = np.concatenate(parts).astype(np.float32, copy=False).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), width, mask=pa.array(lacking))


def _to_times(rows: list[FileRow], counts: np.ndarray) -> tuple[pa.Array, pa.Array]:
    parts = [
        np.full((count, 2), np.nan) if row.times is None else row.times
        for row, count in zip(rows, counts, strict=True)
    ]
    times = np.concatenate(parts)
    lacking = np.isnan(times[:, 0])
    return pa.array(times[:, 0], mask=lacking), pa.array(times[:, 1], mask=lacking)


def from_table(table: pa.Table) -> Iterator[FileRow]:
    """Read the rows of a part, those of one file together."""
    if not len(table):
        return
    names = table["file"].to_pylist()
    starts = [k for k, name in enumerate(names) if k == 0 or name != names[k - 1]]
    heads = table.drop_columns(["vector"]).take(pa.array(starts)).to_pydict()
    modified = table["modified"].cast(pa.int64()).take(pa.array(starts)).to_pylist()
    vectors, times = _take_vectors(table), _take_times(table)
    for k, (start, end) in enumerate(zip(starts, [*starts[1:], len(names)], strict=True)):
        has_vectors = heads["error"][k] is None
        yield FileRow(
            heads["file"][k],
            Stamp(heads["size"][k], modified[k], heads["etag"][k]),
            heads["digest"][k],
            heads["seconds"][k],
            heads["error"][k],
            vectors[start:end] if has_vectors else None,
            times[start:end] if has_vectors and times is not None else None,
        )


def _take_vectors(table: pa.Table) -> np.ndarray:
    column = table["vector"].combine_chunks()
    width = column.type.list_size
    return column.values.to_numpy(zero_copy_only=False).reshape(-1, width)[column.offset :]


def _take_times(table: pa.Table) -> np.ndarray | None:
    if "start" not in table.column_names:
        return None
    return np.stack([table[name].to_numpy() for name in ("start", "end")], axis=1)
