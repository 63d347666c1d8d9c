"""One file elsewhere: what is known of it, and how it is fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import BinaryIO

from ._address import Address, parse_address, refuse_secrets, suffix_of
from ._archive import Archive, keep_archive
from ._problems import RemoteError, try_again
from ._stamp import Stamp, stamp_of_file, stamp_of_info
from ._temporary import new_place

_BLOCK = 1 << 20
"""Bytes that are read at once of an archive elsewhere."""


class RemoteFile:
    """A file in a bucket, on a web server, or in an archive.

    Parameters
    ----------
    name : str
        An address of fsspec, such as ``s3://bucket/rain.wav``; or ``archive.zip::rain.wav``, where
        the archive may lie elsewhere too.

    Raises
    ------
    RemoteError
        If the address contains a password.

    Notes
    -----
    Credentials are found where fsspec and the packages of the protocols look for them: in the
    environment and in their configuration.
    """

    def __init__(self, name: str):
        self.name = name
        self.address = parse_address(name)
        try:
            refuse_secrets(self.address)
        except ValueError as exc:
            raise RemoteError(str(exc)) from exc

    @property
    def local_path(self) -> str | None:
        """The path of a file that is on this machine, outside of archives; else None."""
        is_here = self.address.protocol is None and not self.address.members
        return self.address.local_base if is_here else None

    def stamp(self) -> Stamp:
        """What is known of the file now.

        Raises
        ------
        RemoteError
            If there is no such file, or it cannot be reached.
        OptionalDependencyError
            If a package for its protocol is missing.
        """
        return try_again(lambda: _stamp(self.address), self.address)

    def fetch(self, path: str) -> None:
        """Bring the content into a new file.

        Raises
        ------
        RemoteError, OptionalDependencyError
            As `stamp`; also if the file shrinks while it is read.
        """
        try:
            try_again(lambda: _fetch(self.address, path), self.address)
        except BaseException:
            with suppress(OSError):
                os.unlink(path)
            raise


@contextmanager
def fetched(name: str) -> Iterator[str]:
    """Give the path of a local copy of a file elsewhere, which is removed at the end."""
    file = RemoteFile(name)
    if file.local_path is not None:
        yield file.local_path
        return
    path = new_place(suffix_of(name))
    file.fetch(path)
    try:
        yield path
    finally:
        with suppress(OSError):
            os.unlink(path)


def open_archive(address: Address) -> Archive:
    """The archive that the last name of an address is a member of."""
    *between, _ = address.members
    base = Address(address.base, ())
    stamp = _stamp(base)
    archive = keep_archive((base.base, stamp), lambda: Archive(_open(base), stamp))
    for depth, member in enumerate(between, 1):
        key = (base.base, stamp, *between[:depth])
        archive = keep_archive(key, partial(_open_inner, archive, member))
    return archive


def filesystem_of(address: Address) -> tuple:
    """The file system of a base elsewhere, and its path there; listings are not remembered."""
    import fsspec

    return fsspec.url_to_fs(address.base, use_listings_cache=False)


def open_filesystem(place: str) -> tuple:
    """The file system of fsspec for an address, and the path in it.

    Raises
    ------
    RemoteError
        If its protocol is not known, or it contains a password.
    OptionalDependencyError
        If a package for its protocol is missing.
    """
    address = RemoteFile(place).address
    return try_again(lambda: filesystem_of(address), address)


def _stamp(address: Address) -> Stamp:
    if address.members:
        return open_archive(address).stamp(address.members[-1])
    if address.protocol is None:
        return stamp_of_file(address.local_base)
    filesystem, path = filesystem_of(address)
    info = filesystem.info(path)
    if info.get("type") == "directory":
        raise IsADirectoryError(path)
    return stamp_of_info(info)


def _fetch(address: Address, path: str) -> None:
    if address.members:
        archive, member = open_archive(address), address.members[-1]
        _check_space(archive.stamp(member).size, path)
        with open(path, "wb") as file:
            archive.copy(member, file)
    elif address.protocol is None:
        shutil.copyfile(address.local_base, path)
    else:
        filesystem, there = filesystem_of(address)
        filesystem.get_file(there, path)
        if os.path.isdir(path):
            os.rmdir(path)
            raise IsADirectoryError(there)


def _check_space(n_bytes: int | None, path: str) -> None:
    """Refuse what does not fit, such as a small archive that holds an endless file."""
    free = shutil.disk_usage(os.path.dirname(path)).free
    if n_bytes is not None and n_bytes > free:
        raise RemoteError(
            f"it has {n_bytes:,} bytes when it is unpacked, and {free:,} are free for temporary "
            "files: set TMPDIR to a folder that has more"
        )


def _open(base: Address) -> BinaryIO:
    if base.protocol is None:
        return open(base.local_base, "rb")
    filesystem, path = filesystem_of(base)
    file = filesystem.open(path, "rb", block_size=_BLOCK)
    if not file.seekable():
        raise RemoteError("the server sends files only whole: fetch the archive first")
    return file


def _open_inner(outer: Archive, member: str) -> Archive:
    """Open an archive in another one, of a copy that exists as long as it is open."""
    path = new_place("")
    try:
        with open(path, "wb") as file:
            outer.copy(member, file)
        return Archive(_removed_at_close(path), outer.stamp(member))
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise


def _removed_at_close(path: str) -> BinaryIO:
    file = open(path, "rb")  # noqa: SIM115
    if os.name != "nt":  # which removes no open file; the folder goes with the process
        os.unlink(path)
    return file
