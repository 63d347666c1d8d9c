"""What the headers of compressed files say about their length, where a decoder does not."""

from __future__ import annotations

_TAIL = 1 << 16
_END_OF_STREAM = 4


def mp3_states_its_length(path: str) -> bool:
    """Whether the first frame of an MP3 file counts the frames (Xing, Info or VBRI).

    Where it does not, a decoder can only guess the length from the size of the file.
    """
    with open(path, "rb") as file:
        tag = file.read(10)
        file.seek(10 + _id3_size(tag) if tag[:3] == b"ID3" else 0)
        first_frame = file.read(2048)
    return any(mark in first_frame for mark in (b"Xing", b"Info", b"VBRI"))


def _id3_size(header: bytes) -> int:
    size = 0
    for byte in header[6:10]:
        size = size << 7 | byte & 0x7F
    return size


def ogg_is_complete(path: str) -> bool:
    """Whether the last page of an Ogg file is marked as the end of its stream."""
    with open(path, "rb") as file:
        length = file.seek(0, 2)
        file.seek(max(length - _TAIL, 0))
        tail = file.read()
    last_page = tail.rfind(b"OggS")
    flags = tail[last_page + 5 : last_page + 6]
    return last_page >= 0 and bool(flags) and bool(flags[0] & _END_OF_STREAM)
