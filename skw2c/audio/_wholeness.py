"""Whether a file is whole by its own account: sizes that it states, and what follows its end."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from typing import BinaryIO

from ..exceptions import AudioError
from ._ogg import check_ogg
from ._stated_end import stated_end

_SEGMENT, _CLUSTER, _BLOCK_GROUP = 0x18538067, 0x1F43B675, 0xA0
_ACCEPT = "Fetch it again, or accept what is there with: ffmpeg -i IN -c copy OUT"
_SPLIT = "split it, or write all of it as one, for example with ffmpeg's concat filter"
# Programs that write to a pipe cannot know a size and state one of these.
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
# Some programs do not count the last index, or pad.
_SLACK = 4096
# Some count a header as sound. In CAF files a byte less is a packet less, or all of their table.
_MISCOUNTED = 64


def check_is_whole(path: str, format_name: str, *, thorough: bool = False) -> None:
    """Compare the sizes that a container states with the bytes that are there.

    Parameters
    ----------
    path : str
        The file.
    format_name : str
        FFmpeg's name of its format. Of those that are not known here the header is asked.
    thorough : bool, default=False
        Whether every packet is looked at, because something seems to be missing.

    Raises
    ------
    AudioError
        If bytes are missing, or are not part of the structure, or another file follows.
    """
    with open(path, "rb") as file:
        if format_name == "matroska,webm":
            _check_matroska(file, thorough)
        elif format_name == "avi":
            _check_avi(file)
        elif format_name.startswith("mov,"):
            _check_boxes(file)
        elif format_name == "ogg":
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                check_ogg(content)
        else:
            _check_end(file)


def check_reaches_its_end(path: str) -> None:
    """Check that a file goes as far as its header states, where `stated_end` knows the format.

    Raises
    ------
    AudioError
        If bytes are missing.
    """
    with open(path, "rb") as file:
        _check_end(file)


def check_nothing_follows(path: str, end: int) -> None:
    """Check that nothing but tags follows the last byte that was decoded.

    Raises
    ------
    AudioError
        If there is more.
    """
    left = end_without_tags(path) - end
    if left > _SLACK + end // 50:
        raise AudioError(
            f"{left} bytes follow the end that its header states, which may be another file that "
            f"was joined to it; {_SPLIT}"
        )


def end_without_tags(path: str) -> int:
    """Where the tags (ID3v1, APEv2, Lyrics3) at the end of a file begin."""
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        while (size := _size_of_tag(file, end)) and size < end:
            end -= size
    return end


def _size_of_tag(file: BinaryIO, end: int) -> int:
    """The size of the tag that ends there, or 0."""
    file.seek(max(end - 128, 0))
    tail = file.read(min(end, 128))
    if len(tail) == 128 and tail[:3] == b"TAG":
        return 128
    if tail[-32:-24] == b"APETAGEX":
        has_header = tail[-9] & 0x80
        return int.from_bytes(tail[-20:-16], "little") + (32 if has_header else 0)
    if tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    return 0


def _missing(stated: int, there: int) -> AudioError:
    return AudioError(f"the file is truncated: it states {stated} bytes and has {there}. {_ACCEPT}")


def _check_end(file: BinaryIO) -> None:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        end = stated_end(content)
        slack = 0 if content[:4] == b"caff" else _MISCOUNTED
        if end is not None and end > len(content) + slack:
            raise _missing(end, len(content))


def _check_matroska(file: BinaryIO, thorough: bool) -> None:
    size = os.fstat(file.fileno()).st_size
    descends = {_SEGMENT, _CLUSTER, _BLOCK_GROUP} if thorough else {_SEGMENT}
    at, segment_end = 0, size
    while at < size:
        element_id, start, length = _element(file, at)
        if not element_id:
            if at >= segment_end:
                return  # what follows the end is not read
            raise AudioError(
                f"the file is damaged at byte {at}: no element begins there. {_ACCEPT}"
            )
        end = start if length is None else start + length
        if end > size:
            raise _missing(end, size)
        if element_id == _SEGMENT and length is not None:
            segment_end = end
        at = start if element_id in descends or length is None else end


def _element(file: BinaryIO, at: int) -> tuple[int, int, int | None]:
    """ID (0: none), start and length (None: unknown) of the EBML element at a byte."""
    file.seek(at)
    head = file.read(12)
    id_length = 9 - head[0].bit_length()
    head_size = head[id_length : id_length + 1]
    size_length = 9 - head_size[0].bit_length() if head_size else 9
    if id_length > 4 or size_length > 8:
        return 0, at, None
    start = id_length + size_length
    length = int.from_bytes(head[id_length:start], "big")
    unknown = (1 << 7 * size_length) - 1
    length &= unknown
    return (
        int.from_bytes(head[:id_length], "big"),
        at + start,
        None if length == unknown else length,
    )


def _check_avi(file: BinaryIO) -> None:
    size = os.fstat(file.fileno()).st_size
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(8)
        stated = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF" or stated in _UNKNOWN_SIZES:
            return
        at += 8 + stated + stated % 2
        if at > size + _SLACK:
            raise _missing(at, size)


def _check_boxes(file: BinaryIO) -> None:
    kinds = [kind for kind in _boxes(file) if kind == b"moov"]
    if len(kinds) > 1:
        raise AudioError(
            f"it is {len(kinds)} files joined into one, of which only the first would be heard; "
            f"{_SPLIT}"
        )


def _boxes(file: BinaryIO) -> Iterator[bytes]:
    """Yield the kinds of the boxes of an MP4 or MOV file."""
    size = os.fstat(file.fileno()).st_size
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        yield head[4:8]
        if length < 8:
            return  # it reaches to the end, or is damaged, which FFmpeg reports
        at += length
