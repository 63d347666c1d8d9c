"""Addresses: which names mean files elsewhere, and the archives in them."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_PROTOCOLS = ("zip://", "tar://")
_PROTOCOL = re.compile(r"(?:[a-z][a-z0-9+.-]*::)*([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_WEB = ("http", "https")


@dataclass(frozen=True)
class Address:
    """Where a file lies.

    Attributes
    ----------
    base : str
        Address or path of a file; of the archive, if it lies in one.
    members : tuple of str
        Its name in the archive; first those of archives in between.
    """

    base: str
    members: tuple[str, ...]

    @property
    def last(self) -> str:
        """The name of the file in the archive, or else the base."""
        return self.members[-1] if self.members else self.base

    @property
    def protocol(self) -> str | None:
        """The protocol of the base, in lower case; None for a local file."""
        match = _PROTOCOL.match(self.base)
        protocol = match[1].lower() if match else None
        return None if protocol == "file" else protocol

    @property
    def local_base(self) -> str:
        """The path of a base that is a local file."""
        return self.base[len("file://") :] if self.base.startswith("file://") else self.base


def is_remote(name: str) -> bool:
    """Whether a name means a file elsewhere or in an archive, not a local file."""
    return ("://" in name or "::" in name) and not os.path.lexists(name)


def absolute_name(name: str | os.PathLike) -> str:
    """An absolute name of a local file or archive; addresses stay as they are."""
    name = os.fsdecode(name)
    if not is_remote(name):
        return os.path.abspath(name)
    address = parse_address(name)
    here = address.protocol is None
    base = os.path.abspath(address.local_base) if here else address.base
    return "::".join((base, *address.members))


def parse_address(name: str) -> Address:
    """Take an address apart.

    A member of an archive is ``archive.zip::member``, or in fsspec's own order
    ``zip://member::archive.zip``.
    """
    parts = name.split("::")
    members: list[str] = []
    while len(parts) > 1 and parts[0].lower().startswith(_PROTOCOLS):
        members.insert(0, parts.pop(0).partition("://")[2].lstrip("/"))
    if not members:
        while len(parts) > 1 and _is_member(parts):
            members.insert(0, parts.pop())
    return Address("::".join(parts), tuple(members))


def is_archive(name: str) -> bool:
    """Whether a name is that of an archive, by its suffix."""
    return _is_archive(parse_address(name).last)


def suffix_of(name: str) -> str:
    """The suffix of a file in lower case, as ``.wav``."""
    last = _without_query(parse_address(name).last)
    return os.path.splitext(last.rpartition("/")[2])[1].lower()


def has_pattern(address: Address) -> bool:
    """Whether an address stands for several files; in those of web servers ``?`` does not."""
    return (bool(address.members) or address.protocol not in _WEB) and glob.has_magic(address.last)


def refuse_secrets(address: Address) -> None:
    """Refuse an address that contains a password.

    Raises
    ------
    ValueError
        Its message does not repeat the address.
    """
    if "@" in address.base and urlsplit(address.base.rpartition("::")[2]).password:
        raise ValueError(
            "the address contains a password, which would be stored with the results: remove it, "
            "and set it in fsspec's configuration (the folder ~/.config/fsspec, or environment "
            "variables such as FSSPEC_FTP_PASSWORD)"
        )


def _is_member(parts: list[str]) -> bool:
    """Whether the last part is the name of a member, and all before it are archives."""
    return "://" not in parts[-1] and all(_is_archive(part) for part in parts[:-1])


def _is_archive(part: str) -> bool:
    return _without_query(part).lower().endswith(_ARCHIVES)


def _without_query(name: str) -> str:
    is_web = _PROTOCOL.match(name) is not None and Address(name, ()).protocol in _WEB
    return re.split(r"[?#]", name, maxsplit=1)[0] if is_web else name
