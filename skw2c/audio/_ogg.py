"""The pages of an Ogg file: where streams begin, and whether all pages are there and whole."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from ..exceptions import AudioError
from ._headers import Content, refuse_another

_BEGINS, _ENDS = 2, 4
_NO_POSITION = -1
_BACKWARD = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_LOST = "Fetch it again, or accept what is left with: ffmpeg -i FILE NEW.wav"


class OggPage(NamedTuple):
    """One page: first byte and the one after the last, flags, stream, number, position in it."""

    start: int
    end: int
    flags: int
    stream: bytes
    number: int
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
        If the file ends within a page; if a page is damaged, missing or out of order, which
        libsndfile passes over; if a file of another format follows; or if positions run backward
        in a stream of Opus, which libsndfile reads as memory that was never written.
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
    patches = _mark_the_end(content, pages[-1])
    _check_pages(content, pages)
    if content.find(b"OpusHead", 0, 1 << 16) >= 0:
        _check_positions(pages)
    return starts or [0], patches


def _pages(content: Content) -> Iterator[OggPage]:
    at = content.find(b"OggS")
    while at >= 0:
        head = content[at : at + 27]
        if len(head) < 27:
            head += bytes([0] * (26 - len(head)) + [255])  # cut off within the head
        n_segments = head[26]
        end = at + 27 + n_segments + sum(content[at + 27 : at + 27 + n_segments])
        position = int.from_bytes(head[6:14], "little", signed=True)
        number = int.from_bytes(head[18:22], "little")
        yield OggPage(at, end, head[5], head[14:18], number, position)
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
    if last.end != len(content) or not _is_whole(page):
        raise AudioError(
            "the file is truncated or damaged: its last page is not marked as the end, and is not "
            "whole. If all of the sound is there, write it again: ffmpeg -i FILE -c copy NEW"
        )
    flags = bytes([last.flags | _ENDS])
    marked = page[:5] + flags + page[6:]
    return {last.start + 5: flags, last.start + 22: _checksum(marked)}


def _check_pages(content: Content, pages: list[OggPage]) -> None:
    for page in pages:
        if not _is_whole(content[page.start : page.end]):
            raise AudioError(
                f"the file is damaged between byte {page.start} and {page.end}: the checksum of "
                f"the page there does not fit. {_LOST}"
            )
    for page, following in pairwise(pages):
        joined = page.flags & _ENDS and following.flags & _BEGINS
        if page.end != following.start and not joined:
            raise AudioError(
                f"the file is damaged between byte {page.end} and {following.start}: what is "
                f"there is not a page. {_LOST}"
            )
    _check_numbers(pages)


def _check_numbers(pages: list[OggPage]) -> None:
    """Refuse holes, but not a recording of a radio: its headers, and then what was on air."""
    last: dict[bytes, OggPage] = {}
    has_sound: set[bytes] = set()
    for page in pages:
        before = None if page.flags & _BEGINS else last.get(page.stream)
        if before is None:
            has_sound.discard(page.stream)
        elif page.stream in has_sound and page.number != (before.number + 1) % (1 << 32):
            raise AudioError(
                f"the file is damaged at byte {page.start}: page {page.number} follows page "
                f"{before.number}. {_LOST}"
            )
        if page.position > 0:
            has_sound.add(page.stream)
        last[page.stream] = page


def _is_whole(page: bytes) -> bool:
    return _checksum(page) == page[22:26]


def _checksum(page: bytes) -> bytes:
    """The CRC of Ogg, which is that of zlib with all bits backward, and no bit inverted."""
    backward = (page[:22] + bytes(4) + page[26:]).translate(_BACKWARD)
    checksum = zlib.crc32(backward, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return checksum.to_bytes(4, "big").translate(_BACKWARD)


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
