"""Where a file ends by its own header, in formats whose decoders take less without a word."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from ._headers import Content

_Order = Literal["big", "little"]
# VOC has sizes of 24 bits, and libsndfile writes what is left of larger ones.
_LARGEST_VOC = 1 << 24
_CAF_CHUNKS = frozenset(
    b"desc chan kuki data pakt info free strg mark regn inst midi ovvw peak edct umid uuid".split()
)
_VOC_BLOCKS = range(1, 10)
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_W64_HEAD = 24
_NIST_NUMBER = re.compile(
    rb"^(sample_count|channel_count|sample_n_bytes) -(?:i|s\d+) (\d+)", re.MULTILINE
)
_NIST_CODING = re.compile(rb"^sample_coding -s\d+ (\S+)", re.MULTILINE)
_NIST_UNPACKED = (b"pcm", b"ulaw", b"mu-law", b"alaw")


def stated_end(content: Content) -> int | None:
    """Where the last sample of a CAF, VOC, IFF, SPHERE, SoX, SMAF or Psion file ends.

    Parameters
    ----------
    content : bytes or mmap
        The file, as far as it is there.

    Returns
    -------
    int or None
        The byte behind it; None where the header leaves it open, and in all other formats.
    """
    for mark, find in _FINDERS.items():
        if content[: len(mark)] == mark:
            return find(content)
    return None


def end_of_w64_data(content: Content, start: int, stop: int) -> int:
    """Where the samples of a W64 file end; libsndfile takes all that follows for samples.

    Parameters
    ----------
    content : bytes or mmap
    start, stop : int
        First byte of the file in it, and the one after the last.

    Returns
    -------
    int
        At most ``stop``, also where the header leaves it open.
    """
    at = start + _W64_HEAD + 16
    while at + _W64_HEAD <= stop:
        size = _number(content, at + 16, 8, "little")
        if content[at : at + 16] == _W64_DATA:
            return min(at + size, stop) if size > _W64_HEAD else stop
        at += max(-(-size // 8) * 8, _W64_HEAD)
    return stop


def _number(content: Content, at: int, n_bytes: int, order: _Order) -> int:
    return int.from_bytes(content[at : at + n_bytes], order)


def _caf_end(content: Content) -> int | None:
    """The end of the last chunk, which can be the table of the packets."""
    at, has_sound = 8, False
    while at + 12 <= len(content):
        kind, size = content[at : at + 4], _number(content, at + 4, 8, "big")
        if has_sound and kind not in _CAF_CHUNKS:  # it belongs to what follows the file
            break
        if size >= 1 << 63:  # -1: up to the end
            return None
        has_sound |= kind == b"data"
        at += 12 + size
    return at


def _voc_end(content: Content) -> int | None:
    if len(content) >= _LARGEST_VOC:
        return None
    at = _number(content, 20, 2, "little")
    while at + 4 <= len(content) and content[at] in _VOC_BLOCKS:
        size = _number(content, at + 1, 3, "little")
        if not size:  # up to the end
            return None
        at += 4 + size
    return at


def _iff_end(content: Content) -> int | None:
    at = 12
    while content[8:12] in (b"8SVX", b"16SV") and at + 8 <= len(content):
        kind, size = content[at : at + 4], _number(content, at + 4, 4, "big")
        if kind == b"BODY":
            return at + 8 + size
        at += 8 + size + size % 2
    return None


def _nist_end(content: Content) -> int | None:
    length = content[8:16].strip()
    head = content[: int(length) if length.isdigit() else 0]
    numbers = {name: int(value) for name, value in _NIST_NUMBER.findall(head)}
    coding = _NIST_CODING.search(head)
    if len(numbers) < 3 or (coding and coding[1].lower() not in _NIST_UNPACKED):
        return None
    n_bytes = numbers[b"sample_count"] * numbers[b"channel_count"] * numbers[b"sample_n_bytes"]
    return len(head) + n_bytes


def _sox_end(content: Content) -> int | None:
    order: _Order = "little" if content[0] == ord(".") else "big"
    n_samples = _number(content, 8, 8, order)  # of all channels; 0 and -1: unknown
    is_known = 0 < n_samples < 1 << 63
    return 4 + _number(content, 4, 4, order) + 4 * n_samples if is_known else None


def _mmf_end(content: Content) -> int | None:
    return 8 + _number(content, 4, 4, "big")


def _wve_end(content: Content) -> int | None:
    return 32 + _number(content, 18, 4, "big")


_FINDERS: dict[bytes, Callable[[Content], int | None]] = {
    b"caff": _caf_end,
    b"Creative Voice File\x1a": _voc_end,
    b"FORM": _iff_end,
    b"NIST_1A\n": _nist_end,
    b".SoX": _sox_end,
    b"XoS.": _sox_end,
    b"MMMD": _mmf_end,
    b"ALawSoundFile**": _wve_end,
}
