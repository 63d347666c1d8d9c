"""The pages of an Ogg file: where streams begin, and whether the last of them is whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from ..exceptions import AudioError
from ._headers import Content, refuse_another

_BEGINS, _ENDS = 2, 4
_POLYNOMIAL = 0x04C11DB7
_NO_POSITION = -1


class OggPage(NamedTuple):
    """One page: first byte and the one after the last, flags, stream, position in the sound."""

    start: int
    end: int
    flags: int
    stream: bytes
    position: int


def check_ogg(content: Content) -> tuple[list[int], dict[int, bytes]]:
    """Check that an Ogg file is whole, and find where the files begin that it was joined of.

    Parameters
    ----------
    content : bytes or mmap
        The file.

    Returns
    -------
    starts : list of int
        First bytes of chained streams; one for an ordinary file.
    patches : dict of int to bytes
        What marks the last page as the end, where its writer forgot to: without the mark
        libsndfile refuses some of them, and cannot tell where the sound ends in others.

    Raises
    ------
    AudioError
        If the file ends within a page, or its last page is damaged; if a file of another format
        follows; or if positions run backward in a stream of Opus, which libsndfile reads as
        memory that was never written.
    """
    starts, pages = [], list(_pages(content))
    if not pages:
        raise AudioError("the file is damaged: it holds no page of Ogg")
    refuse_another(content, pages[-1].end)
    begun = False
    for page in pages:
        begins = bool(page.flags & _BEGINS)
        if begins and not begun:
            starts.append(page.start)
        begun = begins
    if content.find(b"OpusHead", 0, 1 << 16) >= 0:
        _check_positions(pages)
    return starts or [0], _mark_the_end(content, pages[-1])


def _pages(content: Content) -> Iterator[OggPage]:
    at = content.find(b"OggS")
    while at >= 0:
        head = content[at : at + 27]
        if len(head) < 27:
            head += bytes([0] * (26 - len(head)) + [255])  # cut off within the head
        n_segments = head[26]
        end = at + 27 + n_segments + sum(content[at + 27 : at + 27 + n_segments])
        position = int.from_bytes(head[6:14], "little", signed=True)
        yield OggPage(at, end, head[5], head[14:18], position)
        at = end if content[end : end + 4] == b"OggS" else content.find(b"OggS", at + 4)


def _mark_the_end(content: Content, last: OggPage) -> dict[int, bytes]:
    if last.end > len(content):
        raise AudioError(
            f"the file is truncated: its last page needs {last.end - len(content)} bytes more. "
            "Fetch it again, or accept what is there with: ffmpeg -i FILE -c copy NEW"
        )
    if last.flags & _ENDS:
        return {}
    page = content[last.start : last.end]
    if last.end != len(content) or _checksum(page) != page[22:26]:
        raise AudioError(
            "the file is truncated or damaged: its last page is not marked as the end, and is not "
            "whole. If all of the sound is there, write it again: ffmpeg -i FILE -c copy NEW"
        )
    flags = bytes([last.flags | _ENDS])
    marked = page[:5] + flags + page[6:]
    return {last.start + 5: flags, last.start + 22: _checksum(marked)}


def _checksum(page: bytes) -> bytes:
    checksum = 0
    table = _table()
    for byte in page[:22] + bytes(4) + page[26:]:
        checksum = (checksum << 8 & 0xFFFFFFFF) ^ table[checksum >> 24 ^ byte]
    return checksum.to_bytes(4, "little")


@lru_cache(maxsize=1)
def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ (_POLYNOMIAL if value >> 31 else 0)) & 0xFFFFFFFF
        table.append(value)
    return table


def _check_positions(pages: list[OggPage]) -> None:
    reached: dict[bytes, int] = {}
    for page in pages:
        if page.flags & _BEGINS:
            reached[page.stream] = 0
        if page.position == _NO_POSITION:
            continue
        if page.position < reached.get(page.stream, 0):
            raise AudioError(
                f"the file is damaged at byte {page.start}: a page states position "
                f"{page.position}, and {reached.get(page.stream, 0)} was reached before. If all "
                "of the sound is there, write it again: ffmpeg -i FILE NEW.ogg"
            )
        reached[page.stream] = page.position
