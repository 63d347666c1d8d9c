"""What is installed, compared with what the package asks for by its own metadata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

_PACKAGE = "skw2c"


@dataclass(frozen=True)
class Requirement:
    """A package that is asked for.

    Attributes
    ----------
    name : str
    wanted : str
        Versions that are right, such as ``">=1.7"``; empty for any.
    version : str or None
        What is installed.
    is_met : bool
    """

    name: str
    wanted: str
    version: str | None
    is_met: bool

    def __str__(self):
        if self.is_met:
            return f"{self.name} {self.version}"
        found = "missing" if self.version is None else f"{self.version}, wanted {self.wanted}"
        return f"{self.name} ({found})"


def list_requirements(extra: str = "") -> list[Requirement]:
    """What the package needs, or what one of its extras adds."""
    return [
        _compare(wanted)
        for wanted in _read_requirements()
        if _counts_for(wanted, extra) and not (extra and _counts_for(wanted, ""))
    ]


def list_extras() -> list[str]:
    """Names of the extras."""
    return sorted(metadata.metadata(_PACKAGE).get_all("Provides-Extra") or [])


def version_of(package: str) -> str | None:
    """The installed version of a package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _read_requirements() -> Iterator:
    from packaging.requirements import Requirement as Wanted

    yield from map(Wanted, metadata.requires(_PACKAGE) or [])


def _counts_for(wanted, extra: str) -> bool:
    return wanted.marker is None or wanted.marker.evaluate({"extra": extra})


def _compare(wanted) -> Requirement:
    version = version_of(wanted.name)
    is_met = version is not None and wanted.specifier.contains(version, prereleases=True)
    return Requirement(wanted.name, str(wanted.specifier), version, is_met)
