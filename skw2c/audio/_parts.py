"""The files that a sound file was joined of, and headers that state less than there is."""

from __future__ import annotations

import io
import mmap
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Literal

from ..exceptions import AudioError
from ._headers import Content, find_another, find_mp3s, refuse_another, skip_tags
from ._ogg import check_ogg
from ._stated_end import end_of_w64_data

# What follows a file: tags, or what a program left there. More may be sound.
_SLACK = 4096
_READ_ALL = (
    "Read all of it with: ffmpeg -ignore_length 1 -i IN.wav OUT.wav; or cut off what is not sound"
)
_CUT_OFF = "Split the files, or cut off what is not sound"
_RIFFS = (b"RIFF", b"RIFX", b"RF64")
# Programs that write to a pipe cannot know the length and put these sizes or larger.
STREAMED_SIZE = 0x7FFFF000
_Finder = Callable[[Content], tuple[list[int], dict[int, bytes]]]
# More than libFLAC reads at once.
_READ_AT_ONCE = 1 << 17
_STREAM_INFO = (b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22")


class Part(io.RawIOBase):
    """A part of a file that is read as if it were a file of its own.

    Parameters
    ----------
    path : str
        The file.
    start, stop : int
        First byte, and the one after the last.
    patches : dict of int to bytes
        What stands at which byte of the file instead of what it has.
    """

    def __init__(self, path: str, start: int, stop: int, patches: dict[int, bytes] | None = None):
        self._file = open(path, "rb")  # noqa: SIM115, closed with this
        self.start, self._length = start, stop - start
        self._patches = patches or {}
        self._at = 0

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def seekable(self) -> bool:
        """Whether it has places: always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        origins = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}
        self._at = origins[whence] + offset
        return self._at

    def tell(self) -> int:
        """Give the place."""
        return self._at

    def readinto(self, buffer) -> int:
        """Read into a buffer; return how many bytes there were."""
        view = memoryview(buffer).cast("B")
        self._file.seek(self.start + self._at)
        n_read = self._file.readinto(view[: max(min(len(view), self._length - self._at), 0)])
        for place, patch in self._patches.items():
            for k, byte in enumerate(patch, place - self.start - self._at):
                if 0 <= k < n_read:
                    view[k] = byte
        self._at += n_read
        return n_read

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def guess_format(path: str) -> str:
    """libsndfile's name of a format that it cannot open where files were joined."""
    with open(path, "rb") as file:
        head = file.read(12)
    if head[:4] in _RIFFS and head[8:] == b"WAVE":
        return "WAV"
    return "AIFF" if head[:4] == b"FORM" and head[8:11] == b"AIF" else ""


def list_parts(path: str, form: str) -> list[Part]:
    """List the files that a file was joined of, or nothing where it is one that needs no care.

    Parameters
    ----------
    path : str
        The file.
    form : str
        libsndfile's name of its format.

    Raises
    ------
    AudioError
        If the file is damaged, or what follows its end may be sound.
    """
    find = _FINDERS.get(form)
    if find is None:
        return []
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        starts, patches = find(content)
        if len(starts) == 1 and not patches:
            return []
        stops = [*starts[1:], len(content)]
        if form == "W64":
            stops = list(map(partial(end_of_w64_data, content), starts, stops))
    return [Part(path, start, stop, patches) for start, stop in zip(starts, stops, strict=True)]


def _mp3_parts(content: Content) -> tuple[list[int], dict]:
    return find_mp3s(content) or [0], {}


def list_flacs_after(path: str, reached: int) -> list[Part]:
    """List the FLAC files that begin behind the first, which ends before a byte.

    What comes before is not searched, which takes longer than all else where a file is long.

    Parameters
    ----------
    path : str
        The file.
    reached : int
        How far libsndfile has read, in bytes.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        starts = _find_flacs(content, reached - _READ_AT_ONCE)
        _refuse_behind_flac(content, reached - _READ_AT_ONCE)
        if not starts:
            return []
        stops = [*starts[1:], len(content)]
    return [Part(path, start, stop) for start, stop in zip(starts, stops, strict=True)]


def _find_flacs(content: Content, after: int) -> list[int]:
    first = content.find(b"fLaC")  # before it there may be a tag
    starts, at = [], max(after, first)
    while (at := content.find(b"fLaC", at + 1)) >= 0:
        if content[at : at + 8] in _STREAM_INFO:
            starts.append(at)
    return starts


def _refuse_behind_flac(content: Content, after: int) -> None:
    """Refuse a file of another format behind a byte, before which frames of FLAC look like it."""
    start = max(after, _end_of_blocks(content))
    found = find_another(content[start:])
    if found >= 0:
        refuse_another(content, start + found)


def _end_of_blocks(content: Content) -> int:
    """Where the frames of a FLAC file begin, behind what may hold the header of another."""
    at, is_last = content.find(b"fLaC") + 4, False
    while not is_last and at + 4 <= len(content):
        is_last = bool(content[at] & 0x80)
        at += 4 + int.from_bytes(content[at + 1 : at + 4], "big")
    return at


def _flac_parts(content: Content) -> tuple[list[int], dict]:
    _refuse_behind_flac(content, 0)
    return [0, *_find_flacs(content, 0)], {}


def _wav_parts(content: Content) -> tuple[list[int], dict]:
    """Walk the chunks of one or more wav files."""
    starts, at = [0], 12
    while at + 8 <= len(content) and content[:4] != b"RIFX":
        kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        if kind not in _RIFFS:
            refuse_another(content, at)
        if kind in _RIFFS:
            starts.append(at)
            at += 12
        elif not _is_kind(kind):
            _check_rest(content, at, _READ_ALL)
            break
        elif kind == b"data" and size == 0 and not _is_chain(content, at + 8):
            return starts, _unknown_sizes(content, at)
        elif kind == b"data" and size >= STREAMED_SIZE:
            break
        else:
            at += 8 + size
            at += size % 2 and not _is_kind(content[at : at + 4])  # some forget to pad
    return starts, {}


def _unknown_sizes(content: Content, at: int) -> dict[int, bytes]:
    """What the header should state where sizes were never written: a recorder was killed."""
    sizes = {4: len(content) - 8, at + 4: len(content) - at - 8}
    return {place: min(size, 0xFFFFFFF0).to_bytes(4, "little") for place, size in sizes.items()}


def _is_kind(kind: bytes) -> bool:
    return len(kind) == 4 and all(32 <= byte < 127 for byte in kind)


def _is_chain(content: Content, at: int) -> bool:
    """Whether chunks follow each other from a byte to the end of the file."""
    while at + 8 <= len(content):
        if not _is_kind(content[at : at + 4]):
            return False
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return at <= len(content) + 1


def _check_rest(content: Content, at: int, cure: str) -> None:
    """Refuse what follows the end that a header states, if it may be sound."""
    left = len(content) - skip_tags(content, at)
    if left > _SLACK + at // 50 and content[at:].strip(b"\0"):
        raise AudioError(
            f"its header states {at} bytes, and {left} more follow, which may be sound of a "
            f"recorder that was killed, or another file that was joined to it. {cure}"
        )


def _rf64_end(content: Content) -> int:
    if content[12:16] != b"ds64":
        return 0
    size = int.from_bytes(content[20:28], "little")
    return 8 + size + size % 2


def _aiff_end(content: Content) -> int:
    size = int.from_bytes(content[4:8], "big")
    return 8 + size + size % 2


def _au_end(content: Content) -> int:
    order: Literal["big", "little"] = "big" if content[:4] == b".snd" else "little"
    return sum(int.from_bytes(content[at : at + 4], order) for at in (4, 8))


def _w64_end(content: Content) -> int:
    size = int.from_bytes(content[16:24], "little")
    aligned = -(-size // 8) * 8
    return size if content[size : size + 4] == b"riff" else aligned  # some forget to pad


def _w64_parts(content: Content) -> tuple[list[int], dict]:
    """Patch the sizes of files that end behind their samples, where libsndfile reads on."""
    starts, patches = _parts_after(_w64_end)(content)
    for start, stop in pairwise([*starts, len(content)]):
        end = end_of_w64_data(content, start, stop)
        if end < stop:
            patches[start + 16] = (end - start).to_bytes(8, "little")
    last = starts[-1]
    stated = last + _w64_end(content[last : last + 24])
    _check_rest(content, max(stated, end_of_w64_data(content, last, len(content))), _CUT_OFF)
    return starts, patches


def _caf_end(content: Content) -> int:
    at = 8
    while at + 12 <= len(content) and content[at : at + 4] != b"caff":
        size = int.from_bytes(content[at + 4 : at + 12], "big")
        if at + 12 + size > len(content):
            break  # sound of unknown length, or not a chunk
        at += 12 + size
    return at


def _parts_after(end_of: Callable[[Content], int]) -> _Finder:
    """A file of which a header states the end, and behind which the next may begin."""

    def find(content: Content) -> tuple[list[int], dict]:
        starts, at = [0], end_of(content)
        while 0 < at < len(content) and content[at : at + 4] == content[:4]:
            starts.append(at)
            at += max(end_of(content[at:]), 1)
        if 0 < at < len(content):
            refuse_another(content, at)
        return starts, {}

    return find


_FINDERS: dict[str, _Finder] = {
    "OGG": check_ogg,
    "FLAC": _flac_parts,
    "MP3": _mp3_parts,
    "WAV": _wav_parts,
    "WAVEX": _wav_parts,
    "AIFF": _parts_after(_aiff_end),
    "AU": _parts_after(_au_end),
    "RF64": _parts_after(_rf64_end),
    "W64": _w64_parts,
    "CAF": _parts_after(_caf_end),
}
