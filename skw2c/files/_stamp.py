"""What tells whether a file is still the one that was read, without reading it."""

from __future__ import annotations

import os
from calendar import timegm
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

_MODIFIED = ("LastModified", "last_modified", "mtime", "updated", "Last-Modified", "created")
_ETAG = ("ETag", "etag", "e_tag")
_LIMIT = 2**63 - 1


class Stamp(NamedTuple):
    """What is known of a file before it is read.

    Attributes
    ----------
    size : int or None
        In bytes.
    modified : int or None
        Time of its last change, in nanoseconds since 1970.
    etag : str or None
        What a server says of its content.
    """

    size: int | None = None
    modified: int | None = None
    etag: str | None = None

    @property
    def version(self) -> str | None:
        """What is the same for the same content, as far as the server tells; None if it is not."""
        if self.etag is not None:
            return f"{self.size} {self.etag}"
        return None if self.modified is None else f"{self.size} {self.modified}"

    def agrees_with(self, other: Stamp) -> bool:
        """Whether two stamps are those of one content; unknown ones never agree."""
        if self.size is None or self.size != other.size:
            return False
        if self.etag is not None and other.etag is not None:
            return self.etag == other.etag
        return self.modified is not None and self.modified == other.modified


def stamp_of_file(path: str | os.PathLike) -> Stamp:
    """The stamp of a local file."""
    status = os.stat(path)
    return Stamp(status.st_size, _fit(status.st_mtime_ns))


def stamp_of_info(info: Mapping) -> Stamp:
    """The stamp of a file as fsspec describes it."""
    etag = next((str(info[name]) for name in _ETAG if info.get(name)), None)
    modified = next((info[name] for name in _MODIFIED if info.get(name) is not None), None)
    size = info.get("size")
    return Stamp(None if size is None else int(size), _to_nanoseconds(modified), etag)


def stamp_of_zipped(size: int, crc: int, date: tuple) -> Stamp:
    """The stamp of a member of a zip file, whose checksum stands in the list of members."""
    try:
        modified = timegm((*date, 0, 0, 0)) * 10**9
    except (ValueError, OverflowError):
        modified = None
    return Stamp(size, modified, f"crc32:{crc:08x}")


def _to_nanoseconds(value) -> int | None:
    """Read a time in one of the forms of fsspec's file systems."""
    try:
        if isinstance(value, str):
            value = _read_date(value)
        if isinstance(value, datetime):
            value = value if value.tzinfo else value.replace(tzinfo=UTC)
            since = value - datetime(1970, 1, 1, tzinfo=UTC)
            return _fit(((since.days * 86400 + since.seconds) * 10**6 + since.microseconds) * 1000)
        return None if value is None else _fit(round(value * 10**6) * 1000)
    except (TypeError, ValueError, OverflowError):
        return None


def _read_date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parsedate_to_datetime(text)


def _fit(nanoseconds: int) -> int:
    """What fits into 64 bits: up to the year 2262."""
    return max(-_LIMIT, min(nanoseconds, _LIMIT))


def is_fresh(stamp: Stamp, since: float, *, tick: float = 2.0) -> bool:
    """Whether a file changed so shortly before a time that it may change again unnoticed.

    Parameters
    ----------
    stamp : Stamp
    since : float
        Seconds since 1970.
    tick : float, default=2.0
        Seconds in which some file systems do not tell times apart.
    """
    if stamp.etag is not None or stamp.modified is None:
        return False
    return stamp.modified / 1e9 > since - tick
