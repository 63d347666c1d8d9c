"""The files that clips come from: which are new, changed, moved or gone since they were indexed."""

from __future__ import annotations

import os
import stat
import time
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ..audio import FileClip
from ..exceptions import AudioError

TICK = 2_000_000_000
"""Nanoseconds in which a file may change twice without another time; some file systems count so."""


class Source(NamedTuple):
    """A file as it was when its clip was embedded.

    Attributes
    ----------
    path : str
        Its real, absolute name.
    stamp : tuple of int, or None
        Size, and times of the last changes to content and to the entry, in nanoseconds. None
        where they prove nothing.
    digest : str or None
        Checksum of the content. None: not known.
    named : bool
        Whether the clip has a name of its own in place of the path.
    """

    path: str
    stamp: tuple[int, int, int] | None
    digest: str | None
    named: bool

    def is_gone(self) -> bool:
        """Whether the file is there no more."""
        return not os.path.exists(self.path)


@dataclass
class Job:
    """A row of X to embed, the name and the source of its clip, and the clip it replaces."""

    row: int
    name: object
    source: Source | None
    replaces: int | None = None


@dataclass
class Plan:
    """What is to be done so that an index follows its files; clips by their numbers in it."""

    jobs: list[Job] = field(default_factory=list)
    unchanged: dict[int, Source | None] = field(default_factory=dict)
    moved: dict[int, tuple[object, Source]] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)

    def report(self, items: list, failed: list):
        """Names by what became of them; ``items`` are those before anything is done."""
        from sklearn.utils import Bunch  # sources are also read where nothing else needs sklearn

        done = [job for job in self.jobs if job.name not in failed]
        return Bunch(
            added=[job.name for job in done if job.replaces is None],
            changed=[job.name for job in done if job.replaces is not None],
            moved=[(items[number], name) for number, (name, _) in self.moved.items()],
            unchanged=[items[number] for number in self.unchanged],
            missing=[items[number] for number in self.missing],
            failed=failed,
        )


class Planner:
    """Compare files with the clips of an index.

    Parameters
    ----------
    content : IndexContent
        Its names and files are only listed where something is compared with them.
    """

    def __init__(self, content):
        self._content = content

    @property
    def _items(self) -> list:
        return self._content.items

    @property
    def _sources(self) -> list:
        return self._content.sources

    @cached_property
    def _by_path(self) -> dict[str, list[int]]:
        return _group(self._sources, "path")

    @cached_property
    def _by_digest(self) -> dict[str, list[int]]:
        return _group(self._sources, "digest")

    def plan(self, rows: list, names: list, *, named: bool, by_name: bool) -> Plan:
        """Say for each row whether it is new, changed, moved or known.

        Parameters
        ----------
        rows : list
            Items of X; what is not a path is not a file.
        names : list
            What the clips are to be called.
        named : bool
            Whether the names were given, and are not the paths.
        by_name : bool
            Whether a clip that is not a file replaces those of its given name.
        """
        plan, seen = Plan(), set()
        for row, (item, name) in enumerate(zip(rows, names, strict=True)):
            if not isinstance(item, (str, os.PathLike)):
                plan.jobs += self._jobs_by_name(row, name, by_name=by_name and named)
                continue
            path = os.path.realpath(item)
            key = (path, name if named else None)
            if key not in seen:
                seen.add(key)
                self._plan_file(plan, row, path, name, named=named)
        return plan

    def missing(self, plan: Plan) -> list[int]:
        """Clips whose files are gone, and not found again under another name."""
        replaced = {job.replaces for job in plan.jobs}
        return [
            number
            for number, source in enumerate(self._sources)
            if source is not None
            and number not in plan.moved
            and number not in replaced
            and source.is_gone()
        ]

    def _jobs_by_name(self, row: int, name, *, by_name: bool) -> list[Job]:
        if not by_name:
            return [Job(row, name, None)]
        own = [n for n, known in enumerate(self._items) if known == name]
        own = [number for number in own if self._sources[number] is None]
        return [Job(row, name, None, number) for number in own] or [Job(row, name, None)]

    def _plan_file(self, plan: Plan, row: int, path: str, name, *, named: bool) -> None:
        own = [n for n in self._by_path.get(path, ()) if not named or self._items[n] == name]
        for number in own:
            known = self._sources[number]
            found = observe(path, known)
            if found is not None and known.digest is not None and found.digest == known.digest:
                plan.unchanged[number] = found
            else:
                plan.jobs.append(Job(row, self._items[number], found, number))
        if own:
            return
        found = observe(path, Source(path, None, None, named))
        former = None if found is None else self._find_moved(found, plan)
        if found is None or former is None:
            plan.jobs.append(Job(row, name, found))
        else:
            keeps_name = self._sources[former].named and not named
            plan.moved[former] = (
                self._items[former] if keeps_name else name,
                found._replace(named=keeps_name or named),
            )

    def _find_moved(self, found: Source, plan: Plan) -> int | None:
        """A clip of the same content whose own file is gone."""
        if found.digest is None:
            return None
        for number in self._by_digest.get(found.digest, ()):
            if number not in plan.moved and self._sources[number].is_gone():
                return number
        return None


def _group(sources: list, attribute: str) -> dict[str, list[int]]:
    """Numbers of clips by what their files have in common."""
    groups = defaultdict(list)
    for number, source in enumerate(sources):
        value = None if source is None else getattr(source, attribute)
        if value is not None:
            groups[value].append(number)
    return groups


def observe(path: str, known: Source) -> Source | None:
    """A file as it is now; None where it cannot be read.

    The content is read only where size or time are others than before.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return None
        stamp = status.st_size, status.st_mtime_ns, status.st_ctime_ns
        if stamp == known.stamp:
            return known
        digest = FileClip(path).digest()
    except (OSError, AudioError):
        return None
    # What has just changed may change once more at what looks like the same time.
    is_fresh = abs(time.time_ns() - max(stamp[1:])) < TICK
    return Source(path, None if is_fresh else stamp, digest, known.named)


def find_items(wanted: list, items: list, sources: list) -> set[int]:
    """Numbers of clips by their names, or else by their files.

    Raises
    ------
    ValueError
        If there is none of a name.
    """
    by_name, by_path = defaultdict(list), defaultdict(list)
    for number, (item, source) in enumerate(zip(items, sources, strict=True)):
        by_name[item].append(number)
        if source is not None:
            by_path[source.path].append(number)
    numbers: set[int] = set()
    for name in wanted:
        name = os.fspath(name) if isinstance(name, os.PathLike) else name
        found = by_name.get(name)
        if not found and isinstance(name, str):
            found = by_path.get(os.path.realpath(name))
        if not found:
            raise ValueError(f"the index does not contain the clip {name!r}: no clips were removed")
        numbers.update(found)
    return numbers


def from_json(entries) -> list:
    """Read sources as version 1 of the format wrote them.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if not isinstance(entries, list):
        raise ValueError("its sources are not a list")
    return [None if entry is None else _read_source(entry) for entry in entries]


def _read_source(entry) -> Source:
    if not isinstance(entry, list) or len(entry) != 4:
        raise ValueError(f"the source {entry!r} has not four parts")
    path, stamp, digest, named = entry
    is_stamp = stamp is None or (
        isinstance(stamp, list) and len(stamp) == 3 and all(type(n) is int for n in stamp)
    )
    is_text = isinstance(path, str) and isinstance(digest, (str, type(None)))
    if not (is_text and is_stamp and isinstance(named, bool)) or "\0" in path:
        raise ValueError(f"the source {entry!r} is not a path, stamp, checksum and mark")
    return Source(path, stamp and tuple(stamp), digest, named)


def guess_sources(items: list) -> list:
    """Sources of clips of an index that was saved before they were: files by their names.

    Their content is not known, so that they are embedded again when they come by.
    """
    return [
        Source(os.path.realpath(item), None, None, named=False)
        if isinstance(item, str) and "\0" not in item and _is_file_name(item)
        else None
        for item in items
    ]


def _is_file_name(name: str) -> bool:
    return os.path.isabs(name) or os.path.isfile(name)
