"""Which files there are: in folders, archives, buckets, on web servers. Knows no sounds.

What lies elsewhere is fetched whole into a temporary file, used as any other, and deleted. Names of
local files never load fsspec.
"""

from ._address import absolute_name, is_archive, is_remote, suffix_of
from ._listing import list_files
from ._problems import MissingFileError, RemoteError
from ._remote_file import RemoteFile, fetched, open_filesystem
from ._search import FileSearch, Found
from ._stamp import Stamp, is_fresh, stamp_of_file
from ._temporary import new_place

__all__ = [
    "FileSearch",
    "Found",
    "MissingFileError",
    "RemoteError",
    "RemoteFile",
    "Stamp",
    "absolute_name",
    "fetched",
    "is_archive",
    "is_fresh",
    "is_remote",
    "list_files",
    "new_place",
    "open_filesystem",
    "stamp_of_file",
    "suffix_of",
]
