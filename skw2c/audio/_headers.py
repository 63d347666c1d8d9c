"""What the headers of compressed files state of their length, where a decoder does not."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator

from ..exceptions import AudioError

Content = bytes | mmap.mmap  # of a file, or of a part that was read

_FRAMES_KNOWN, _BYTES_KNOWN = 1, 2
# kbit/s and Hz of layer III, by whether it is MPEG-1 and by version.
_BIT_RATES = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
# By chance four headers do not follow each other, each where the one before it ends.
_FRAMES_IN_A_ROW = 4
_SEARCHED_BYTES = 1 << 16
_SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")  # those of FLAC are others
_MARKS = (b"RIFF", b"OggS\0\2", b"FORM")
# With these a sound file begins, long enough not to occur by chance.
_BEGINNING = re.compile(
    rb"(RIFF|RF64)....WAVE|fLaC[\x00\x80]\x00\x00\x22|OggS\x00\x02|FORM....AIF[FC]|caff\x00\x01|\.snd\x00\x00",
    re.DOTALL,
)


def mp3_states_its_length(path: str) -> bool:
    """Whether an MP3 file, and what was joined to it, counts its frames (Xing, Info or VBRI).

    Where it does not, a decoder can only guess the length from the size of the file.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return find_mp3s(content) is not None


def find_mp3s(content: Content) -> list[int] | None:
    """Find where the MP3 files begin that a file was joined of: at 0 for an ordinary one.

    None where one of them does not state where it ends.

    Raises
    ------
    AudioError
        If a file of another format follows.
    """
    starts, at = [], 0
    while True:
        first = at + id3_size(content[at : at + 10])
        n_bytes = _stated_bytes(content[first : first + 2048])
        if not n_bytes:
            return None
        starts.append(at)
        at = skip_tags(content, first + n_bytes)
        rest = content[at : at + _SEARCHED_BYTES]
        if not _are_frames(rest, 0):
            refuse_another(content, at)
            return None if _has_frames(rest) else starts


def refuse_another(content: Content, at: int) -> None:
    """Refuse a file of another format that begins behind the end of the first.

    Raises
    ------
    AudioError
        If one begins there, which no decoder of the first would read.
    """
    if _BEGINNING.match(content, at) or _are_frames(content, skip_tags(content, at)):
        raise AudioError(
            f"a file of another format begins at byte {at}, where the first one ends, and "
            "only the first would be heard; split them, and join their sounds, for example with "
            "ffmpeg's concat filter"
        )


def find_another(content: Content) -> int:
    """Find where a file of another format than FLAC begins in what follows FLAC, or -1."""
    for mark in _MARKS:
        for at in _places(content, mark):
            if _BEGINNING.match(content, at):
                return at
    for sync in _SYNC.finditer(content):
        if _are_frames(content, sync.start()):
            return sync.start()
    return -1


def _places(content: Content, mark: bytes) -> Iterator[int]:
    at = content.find(mark)
    while at >= 0:
        yield at
        at = content.find(mark, at + 1)


def skip_tags(content: Content, at: int) -> int:
    """The first byte behind the tags (ID3, APEv2, Lyrics3) that begin at a byte, if any."""
    while size := _size_of_tag(content, at):
        at += size
    return at


def _size_of_tag(content: Content, at: int) -> int:
    """Bytes of the tag that begins there, or 0."""
    head = content[at : at + 32]
    if head[:3] == b"TAG":
        return 128
    if head[:8] == b"APETAGEX" and len(head) == 32:
        is_header = head[23] & 0x20  # a size is without the header
        return int.from_bytes(head[12:16], "little") + (32 if is_header else 0)
    if head[:11] == b"LYRICSBEGIN":
        end = content.find(b"LYRICS200", at)
        return end + 9 - at if end > 0 else 0
    return id3_size(head)


def _stated_bytes(head: bytes) -> int | None:
    """How many bytes of sound the mark in the first frame of an MP3 file counts."""
    for mark in (b"Xing", b"Info"):
        at = head.find(mark)
        if at >= 0 and int.from_bytes(head[at + 4 : at + 8], "big") & _BYTES_KNOWN:
            place = at + (12 if head[at + 7] & _FRAMES_KNOWN else 8)
            return int.from_bytes(head[place : place + 4], "big")
    at = head.find(b"VBRI")
    return int.from_bytes(head[at + 10 : at + 14], "big") if at >= 0 else None


def _has_frames(content: Content) -> bool:
    """Whether there are frames of MP3 in a row."""
    at = content.find(b"\xff")
    while at >= 0 and not _are_frames(content, at):
        at = content.find(b"\xff", at + 1)
    return at >= 0


def _are_frames(content: Content, at: int) -> bool:
    for _ in range(_FRAMES_IN_A_ROW):
        length = _frame_length(content[at : at + 4])
        if not length:
            return False
        at += length
    return True


def _frame_length(header: bytes) -> int:
    """Bytes of the frame of MP3 that begins with this header, or 0."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, bit_rate, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version not in _RATES or bit_rate == 15 or rate == 3:
        return 0
    is_mpeg1 = version == 3
    bits = 1000 * _BIT_RATES[is_mpeg1][bit_rate]
    return (144 if is_mpeg1 else 72) * bits // _RATES[version][rate] + (header[2] >> 1 & 1)


def id3_size(content: Content) -> int:
    """Bytes of the ID3v2 tag that some bytes begin with, or 0."""
    if content[:3] != b"ID3" or len(content) < 10:
        return 0
    size = 0
    for byte in content[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def flac_states_its_length(path: str) -> bool:
    """Whether a FLAC file counts its samples; one that was written to a pipe does not."""
    with open(path, "rb") as file:
        file.seek(id3_size(file.read(10)))
        info = file.read(26)
    return info[:4] != b"fLaC" or bool(info[21] & 0x0F or any(info[22:26]))
