"""Lists of the files below an address, that match a pattern, or in an archive."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase

from ._address import Address, has_pattern, is_archive, parse_address, refuse_secrets, suffix_of
from ._problems import RemoteError, try_again
from ._remote_file import filesystem_of, open_archive
from ._stamp import Stamp, stamp_of_file, stamp_of_info


def list_files(name: str, suffixes: Collection[str]) -> tuple[dict[str, Stamp], list[str]]:
    """List the files that an address stands for, with what is known of each.

    Parameters
    ----------
    name : str
        The address of a folder or an archive, all of which is listed; of a single file; or a
        pattern.
    suffixes : collection of str
        Which files of folders and archives to list. Single files, and those that match a pattern,
        may have any. Hidden files are left out.

    Returns
    -------
    files : dict of str to Stamp
        By their addresses, sorted. The stamp of a single file is not asked for.
    skipped : list of str
        Files in folders and archives that were left out.

    Raises
    ------
    RemoteError
        If the listing fails, also half way; it names the address.
    OptionalDependencyError
        If a package for its protocol is missing.
    """
    address = parse_address(name)
    try:
        refuse_secrets(address)
        if has_pattern(address):
            return dict(sorted(_match(address).items())), []
        if is_archive(name) or address.last == "":
            return _keep(_members(address), suffixes, address)
        if address.members or suffix_of(name) in suffixes:
            return {name: Stamp()}, []
        found = _find(address)
        return (found, []) if list(found) == [name] else _keep(found, suffixes, address)
    except (RemoteError, ValueError) as exc:
        raise RemoteError(f"{name!r} cannot be listed: {exc}") from exc


def _match(address: Address) -> dict[str, Stamp]:
    """The files that match a pattern, also of members of an archive."""
    if not address.members:
        return _glob(address)
    *between, pattern = address.members
    found = _members(Address(address.base, tuple(between)))
    return {
        name: stamp
        for name, stamp in found.items()
        if fnmatchcase(name.rpartition("::")[2], pattern)
    }


def _members(address: Address) -> dict[str, Stamp]:
    """The files in an archive; the stamps are those of its list of members."""
    path = tuple(member for member in address.members if member)
    archive = try_again(lambda: open_archive(Address(address.base, (*path, ""))), address)
    prefix = "::".join((address.base, *path))
    return {f"{prefix}::{member}": archive.stamp(member) for member in archive.names()}


def _find(address: Address) -> dict[str, Stamp]:
    def find() -> dict[str, Stamp]:
        filesystem, path = filesystem_of(address)
        return dict(_named(filesystem, filesystem.find(path, detail=True)))

    return try_again(find, address)


def _glob(address: Address) -> dict[str, Stamp]:
    def find() -> dict[str, Stamp]:
        filesystem, path = filesystem_of(address)
        return dict(_named(filesystem, filesystem.glob(path, detail=True)))

    return try_again(find, address)


def _named(filesystem, found: dict) -> Iterator[tuple[str, Stamp]]:
    from fsspec.implementations.local import LocalFileSystem

    for path, info in found.items():
        if info.get("type") == "file":
            if isinstance(filesystem, LocalFileSystem):
                yield path, stamp_of_file(path)
            else:
                yield filesystem.unstrip_protocol(path), stamp_of_info(info)


def _keep(
    found: dict[str, Stamp], suffixes: Collection[str], address: Address
) -> tuple[dict[str, Stamp], list[str]]:
    """Keep the files with one of the suffixes that are not hidden."""
    kept = {
        name: stamp
        for name, stamp in sorted(found.items())
        if suffix_of(name) in suffixes and not _is_hidden(name, address)
    }
    return kept, [name for name in found if name not in kept]


def _is_hidden(name: str, address: Address) -> bool:
    """Whether a file, or a folder below the address, has a name that begins with a dot."""
    below = name.removeprefix(address.base).rpartition("::")[2]
    return any(part.startswith(".") for part in below.split("/") if part)
