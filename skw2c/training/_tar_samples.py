"""The samples of a shard: which members of a tar file have one key, and where they lie."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator

from ..exceptions import ShardError
from ._open_files import OpenFile

Members = dict[str, list[tuple[int, int]]]
"""First byte and size of the members of a sample, by kind; several of a kind are a mistake."""

_BLOCK = tarfile.BLOCKSIZE
_LONGEST_HEADER = 1 << 20  # bytes
_LONGEST_PADDING = 1 << 26


def list_samples(file: OpenFile) -> tuple[dict[str, Members], str | None]:
    """List the members of each sample of a tar file, and what ends the list too early.

    Parameters
    ----------
    file : OpenFile

    Returns
    -------
    samples : dict of str to Members
        By key: the name up to its first dot.
    damage : str or None

    Raises
    ------
    ShardError
        If it is not a tar file.
    """
    samples: dict[str, Members] = {}
    headers = _Headers(file)
    try:
        # It needs no more of a file to read from than this, and its stubs ask for more.
        tar = tarfile.open(fileobj=headers, mode="r:")  # type: ignore[call-overload]  # noqa: SIM115
    except Exception as exc:  # what tarfile raises depends on the kind of damage
        raise ShardError(f"the file is not an uncompressed tar file ({exc})") from exc
    with tar:
        try:
            for name, start, size in _list_members(tar):
                folder, slash, name = name.rpartition("/")
                key, _, kind = name.partition(".")
                sample = samples.setdefault(folder + slash + key, {})
                sample.setdefault(kind, []).append((start, size))
        except Exception as exc:
            return samples, f"the file is damaged or truncated ({exc})"
        return samples, _look_behind(headers, tar.offset)


def _list_members(tar: tarfile.TarFile) -> Iterator[tuple[str, int, int]]:
    last = -1
    while (member := tar.next()) is not None:
        tar.members.clear()  # type: ignore[attr-defined]  # a list that grows with every member
        if member.offset_data <= last:
            raise ShardError(f"the header before byte {member.offset_data} leads backwards")
        last = member.offset_data
        if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and member.sparse is None:
            yield member.name, member.offset_data, member.size


def _look_behind(file: _Headers, end: int) -> str | None:
    """What is wrong with the end of a tar file, of which nothing but zeros is left."""
    file.seek(end)
    block = file.read(_BLOCK)
    if not block:
        return "the file is truncated: the end mark of a tar file is missing"
    if any(block):  # `tarfile` takes a damaged header for the end
        return f"the file is damaged at byte {end}"
    while block := file.read(_LONGEST_HEADER):
        if any(block) or file.tell() - end > _LONGEST_PADDING:
            return (
                f"the file goes on after the end mark of a tar file at byte {end}. If tar files "
                "were joined, give each by itself"
            )
    return None


class _Headers:
    """What `tarfile` reads of a shard; no header makes it ask for much memory.

    Parameters
    ----------
    file : OpenFile
    """

    def __init__(self, file: OpenFile):
        self._file = file
        self._place = 0

    def tell(self) -> int:
        return self._place

    def seek(self, place: int) -> None:
        self._place = place

    def read(self, size: int) -> bytes:
        if size > _LONGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        size = max(0, min(size, self._file.size - self._place))
        content = self._file.read(self._place, size)
        self._place += size
        return content
