"""What the headers of compressed files say about their length, where a decoder does not."""

from __future__ import annotations

from ._wholeness import end_without_tags

_FRAMES_KNOWN, _BYTES_KNOWN = 1, 2
# kbit/s and Hz of layer III, by whether it is MPEG-1 and by version.
_BIT_RATES = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
# By chance four headers do not follow each other, each where the one before it says.
_FRAMES_IN_A_ROW = 4


def mp3_states_its_length(path: str) -> bool:
    """Whether the first frame of an MP3 file counts the frames (Xing, Info or VBRI), and all.

    Where it does not, a decoder can only guess the length from the size of the file, or reads
    no more than the first of several files that were joined.
    """
    with open(path, "rb") as file:
        start = id3_size(file.read(10))
        file.seek(start)
        head = file.read(2048)
        n_bytes = _stated_bytes(head)
        if n_bytes is None:
            return False
        file.seek(start + n_bytes)
        rest = file.read(1 << 16) if start + n_bytes < end_without_tags(path) else b""
    return b"ID3" not in rest and not _has_frames(rest)


def _stated_bytes(head: bytes) -> int | None:
    """How many bytes of sound the mark in the first frame of an MP3 file counts."""
    for mark in (b"Xing", b"Info"):
        at = head.find(mark)
        if at >= 0 and int.from_bytes(head[at + 4 : at + 8], "big") & _BYTES_KNOWN:
            place = at + (12 if head[at + 7] & _FRAMES_KNOWN else 8)
            return int.from_bytes(head[place : place + 4], "big")
    at = head.find(b"VBRI")
    return int.from_bytes(head[at + 10 : at + 14], "big") if at >= 0 else None


def _has_frames(content: bytes) -> bool:
    """Whether there are frames of MP3 in a row."""
    at = content.find(b"\xff")
    while at >= 0:
        place = at
        for _ in range(_FRAMES_IN_A_ROW):
            length = _frame_length(content[place : place + 4])
            if not length:
                break
            place += length
        else:
            return True
        at = content.find(b"\xff", at + 1)
    return False


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


def id3_size(content: bytes) -> int:
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
