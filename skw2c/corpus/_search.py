"""The files that one name stands for, wherever they are."""

from __future__ import annotations

import os
from collections.abc import Collection

from ..files import FileSearch, Found


def search_files(name: str | os.PathLike, suffixes: Collection[str], such_as: str) -> Found:
    """Search for the files that one name stands for.

    Parameters
    ----------
    name : str or os.PathLike
        A folder, a pattern, an archive, an address or a file.
    suffixes : collection of str
        Of the files to find in folders and archives.
    such_as : str
        Some of them, for messages.

    Raises
    ------
    ValueError
        If there are none.
    OSError
        If a folder or an address cannot be listed.
    OptionalDependencyError
        If a package for a protocol is missing.
    """
    name = os.fsdecode(name)
    search = FileSearch(suffixes)
    files = search.files_of(name)
    if search.unread:
        _, folder, cause = search.unread[0]
        raise PermissionError(f"{folder!r}: {cause}")
    if not files:
        raise ValueError(search.nothing_in(name, such_as))
    return Found(files, stamps=search.stamps)
