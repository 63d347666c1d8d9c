"""The files that a data set is to hold, each once, and what is known of each unread."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pyarrow as pa

from ..files import RemoteFile, Stamp, absolute_name, is_remote, stamp_of_file
from ..system._extensions import MEDIA_EXTENSIONS, SOUND_EXTENSIONS
from ..validation._collections import ItemKind, list_items
from ._search import search_files

_FILES = ItemKind("file", "files", "a file is a path or an address")
_THREADS = 16
_AT_ONCE = 256
_UNKNOWN = Stamp()


class Listing:
    """Files by name, sorted, each once.

    Parameters
    ----------
    names : list of str
        Absolute names.
    stamps : list of Stamp
        What is known of each.
    unread : list of tuple (None, folder, cause), default=()
        Folders that could not be searched.

    Attributes
    ----------
    names : list of str
        In the order of their texts.
    texts : pyarrow.Array of strings
        The names as text: bytes that are none are written as ``\\xe9``.
    sizes : ndarray of int64
        In bytes; 0 where they are not known.
    """

    def __init__(self, names: list[str], stamps: list[Stamp], unread: Iterable[tuple] = ()):
        known = dict(zip(map(as_text, names), zip(names, stamps, strict=True), strict=True))
        texts = sorted(known)
        self.names = [known[text][0] for text in texts]
        self.texts = pa.array(texts, pa.string())
        self.sizes = np.array([known[text][1].size or 0 for text in texts], np.int64)
        self._modified = [known[text][1].modified for text in texts]
        self._etags = [known[text][1].etag for text in texts]
        self._has_size = np.array([known[text][1].size is not None for text in texts], bool)
        self.unread = list(unread)

    def __len__(self) -> int:
        return len(self.names)

    def stamp(self, row: int) -> Stamp:
        """What is known of a file."""
        size = int(self.sizes[row]) if self._has_size[row] else None
        return Stamp(size, self._modified[row], self._etags[row])


def as_text(name: str) -> str:
    r"""A name with bytes that are not text written as ``\xe9``."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def list_corpus(files) -> Listing:
    """List the files that a user passes.

    Parameters
    ----------
    files : str, Path or collection of them
        A single name may be a folder, a pattern, an archive, an address or a file. In a collection
        each is a file.

    Raises
    ------
    ValueError
        If there are none.
    TypeError
        If a name is not a path.
    OSError
        If a folder or an address cannot be listed.
    OptionalDependencyError
        If a package for a protocol is missing.
    """
    found = files
    if isinstance(files, (str, os.PathLike)):
        found = search_files(files, SOUND_EXTENSIONS | MEDIA_EXTENSIONS, "wav, flac")
    given = _check_names(found)
    known = getattr(found, "stamps", {})
    names = {absolute_name(name): known.get(name, _UNKNOWN) for name in given}
    stamps = list(_complete(list(names.items())))
    return Listing(list(names), stamps, getattr(found, "unread", ()))


def _check_names(files) -> list[str]:
    names = list_items(files, _FILES)
    for row, name in enumerate(names):
        if not isinstance(name, (str, os.PathLike)):
            raise TypeError(f"Row {row}: {name!r} of type {type(name).__name__} is not a path")
    return [os.fsdecode(name) for name in names]


def _complete(known: list[tuple[str, Stamp]]) -> Iterator[Stamp]:
    """Look for the stamps that are not known yet; what cannot be looked at has none."""
    blocks = (known[start : start + _AT_ONCE] for start in range(0, len(known), _AT_ONCE))
    with ThreadPoolExecutor(_THREADS) as pool:
        for stamps in pool.map(lambda block: [_look(*pair) for pair in block], blocks):
            yield from stamps


def _look(name: str, stamp: Stamp) -> Stamp:
    if stamp != _UNKNOWN:
        return stamp
    with suppress(OSError, ValueError):
        return RemoteFile(name).stamp() if is_remote(name) else stamp_of_file(name)
    return _UNKNOWN
