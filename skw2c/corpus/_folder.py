"""The folder of a data set: what it holds, and the rows of its parts."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

import pyarrow as pa
import pyarrow.parquet as pq

from .._version import __version__
from ..exceptions import CorpusError
from ..files import RemoteError
from ..system._spreadsheets import disarm, disarm_path
from ..system._warning import warn_caller
from ._plan import Plan
from ._rows import FileRow, from_table, to_table
from ._storage import open_storage

FORMAT, VERSION = "skw2c corpus", 1
HOME = "_corpus"
"""Readers of Parquet data sets pass over what begins like this."""
_LIST, _PLAN, _FAILURES = f"{HOME}/corpus.json", f"{HOME}/plan.parquet", f"{HOME}/failures.csv"
_PIECES = f"{HOME}/pieces"
_PART = re.compile(r"part-(\d{6,})\.parquet")
_KEY = b"skw2c"
_HEAD = ["file", "error", "size", "modified", "etag"]


class CorpusFolder:
    """A data set of vectors.

    Parameters
    ----------
    place : str or os.PathLike
        A folder, or an address.

    Attributes
    ----------
    place : str
        Absolute.
    """

    def __init__(self, place: str | os.PathLike):
        self._storage = open_storage(place)
        self.place = self._storage.place

    def claim(self, description: dict) -> dict:
        """Make the folder one for these vectors, or make sure that it is.

        Parameters
        ----------
        description : dict
            What vectors depend on, under ``"terms"``, and what else there is to say of them.

        Returns
        -------
        dict
            What the folder says of itself.

        Raises
        ------
        CorpusError
            If it holds something else.
        """
        content = {
            "format": FORMAT,
            "version": VERSION,
            "created_by": f"skw2c {__version__}",
            **json.loads(json.dumps(description)),
        }
        if self.read_description() is None:
            self._refuse_strangers()
        with self.hold_plan():
            there = self.read_description()
            if there is None:
                self._storage.write(_LIST, json.dumps(content, indent=1).encode())
                return content
        self._compare(there["terms"], content["terms"])
        return there

    def _refuse_strangers(self) -> None:
        names = [name for name in self._storage.names() if name != HOME and name[0] != "."]
        if names:
            raise CorpusError(
                f"The folder {self.place!r} holds {names[0]!r}, but not {_LIST}, which would show "
                "that it is for vectors: choose another folder"
            )

    def read_description(self) -> dict | None:
        """What the folder says of itself; None if it is not there.

        Raises
        ------
        CorpusError
            If that is damaged, or of another version.
        """
        try:
            content = json.loads(self._storage.read(_LIST))
            kind, version = content["format"], content["version"]
            if kind != FORMAT or not isinstance(content["terms"], dict):
                raise ValueError(f"it is of the format {kind!r}")
        except FileNotFoundError:
            return None
        except (ValueError, LookupError, TypeError, RecursionError) as exc:
            raise CorpusError(
                f"{self._path(_LIST)!r} is damaged ({exc}): put it back from a copy, or choose "
                "another folder"
            ) from exc
        if version != VERSION:
            raise CorpusError(
                f"The vectors in {self.place!r} were written in version {version!r} of the format, "
                f"and this skw2c reads version {VERSION}: use the skw2c that wrote them "
                f"({content.get('created_by')}), or choose another folder"
            )
        return content

    def identity(self) -> str | None:
        """What tells this folder from one of the same name on another machine."""
        content = self.read_description()
        return None if content is None else _hash(content)

    def _compare(self, there: dict, here: dict) -> None:
        different = [name for name in there | here if there.get(name) != here.get(name)]
        if different:
            name = different[0]
            raise CorpusError(
                f"The folder {self.place!r} holds vectors of another encoder: {name} is "
                f"{there.get(name)!r} there and {here.get(name)!r} here. Choose another folder, or "
                "the same encoder. Nothing was changed."
            )

    def hold_run(self, part: tuple[int, int]) -> AbstractContextManager:
        """Keep other runs from doing the same share of the work while a block runs."""
        k, n = part
        share = "" if n == 1 else f" (share {k} of {n})"
        message = (
            f"Another run is writing the vectors in {self.place!r}{share}: wait until it has ended "
            "and give the same command again, which then goes on with what is missing"
        )
        return self._storage.hold_lock(f"{HOME}/share-{k}-of-{n}.lock", message)

    def hold_plan(self) -> AbstractContextManager:
        """Wait until no other run changes the plan, and keep them from it while a block runs."""
        return self._storage.hold_lock(f"{HOME}/plan.lock", "", timeout=-1)

    def read_plan(self) -> Plan:
        """Read the plan; where it is missing, as far as the parts show it.

        Raises
        ------
        CorpusError
            If it is damaged.
        """
        try:
            content = self._storage.read(_PLAN)
        except FileNotFoundError:
            return self._restore_plan()
        try:
            table = pq.read_table(pa.BufferReader(content)).select(["part", "file"])
            return Plan(table.cast(Plan.empty().table.schema).combine_chunks())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, KeyError, ValueError) as exc:
            raise CorpusError(
                f"{self._path(_PLAN)!r} is damaged ({exc}): delete it, and it is made again of "
                "the parts"
            ) from exc

    def write_plan(self, plan: Plan) -> None:
        """Write the plan."""
        self._storage.write(_PLAN, _to_parquet(plan.table))

    def _restore_plan(self) -> Plan:
        tables = []
        for number in self.parts():
            head = self.read_head(number)
            if head is not None:
                files = head[0]["file"].unique()
                numbers = pa.array([number] * len(files), pa.int32())
                tables.append(pa.table({"part": numbers, "file": files}))
        return Plan(pa.concat_tables([Plan.empty().table, *tables]).combine_chunks())

    def parts(self) -> list[int]:
        """The numbers of the parts that are there."""
        found = map(_PART.fullmatch, self._storage.names())
        return sorted(int(match[1]) for match in found if match)

    def read_head(self, number: int) -> tuple[pa.Table, dict] | None:
        """Names, errors and stamps of a part, and its metadata; None where it is not there.

        A part that is damaged is warned of, and taken for missing.
        """
        return self._read(part_name(number), _HEAD)

    def read_rows(self, number: int) -> tuple[list[FileRow], dict]:
        """The rows of a part and its metadata; none where it is not there."""
        found = self._read(part_name(number), None)
        return ([], {}) if found is None else (list(from_table(found[0])), found[1])

    def write_rows(
        self, name: str, rows: list[FileRow], width: int, has_frames: bool, metadata: dict
    ) -> None:
        """Write a part or a piece of one, whole."""
        table = to_table(rows, width, has_frames, {_KEY: json.dumps(metadata).encode()})
        self._storage.write(name, _to_parquet(table))

    def remove_part(self, number: int) -> None:
        """Remove a part."""
        self._storage.remove(part_name(number))

    def read_pieces(self, number: int) -> Iterator[tuple[FileRow, dict]]:
        """The rows of the pieces of a part that are there, each with its metadata."""
        for name in self._pieces(number):
            found = self._read(f"{_PIECES}/{name}", None)
            if found is not None:
                yield from ((row, found[1]) for row in from_table(found[0]))

    def remove_pieces(self, number: int) -> None:
        """Remove the pieces of a part."""
        for name in self._pieces(number):
            self._storage.remove(f"{_PIECES}/{name}")

    def _pieces(self, number: int) -> list[str]:
        head = piece_name(number, "").rpartition("/")[2].removesuffix(".parquet")
        return [name for name in self._storage.names(_PIECES) if name.startswith(head)]

    def write_failures(self, failures: Iterable[tuple[int, str, str]]) -> str | None:
        """List failures in a table; return its place, or None without any."""
        failures = list(failures)
        if not failures:
            self._storage.remove(_FAILURES)
            return None
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["row", "file", "error"])
        writer.writerows((row, disarm_path(file), disarm(cause)) for row, file, cause in failures)
        self._storage.write(_FAILURES, text.getvalue().encode())
        return self._path(_FAILURES)

    def _read(self, name: str, columns: list[str] | None) -> tuple[pa.Table, dict] | None:
        try:
            with self._storage.open(name) as file:
                parquet = pq.ParquetFile(file, page_checksum_verification=True)
                metadata = json.loads(parquet.schema_arrow.metadata[_KEY])
                return parquet.read(columns).combine_chunks(), metadata
        except FileNotFoundError:
            return None
        except (pa.ArrowException, OSError, ValueError, LookupError, TypeError) as exc:
            if isinstance(exc, RemoteError) or getattr(exc, "errno", None) is not None:
                raise  # it cannot be read, which does not show that it is damaged
            warn_caller(f"{self._path(name)!r} is damaged, and is written again ({exc})")
            return None

    def _path(self, name: str) -> str:
        return f"{self.place}/{name}"


def part_name(number: int) -> str:
    """The name of a part."""
    return f"part-{number:06}.parquet"


def piece_name(number: int, key: str) -> str:
    """The name of a piece of a part, which is kept until the part is whole."""
    return f"{_PIECES}/part-{number:06}-{key}.parquet"


def is_corpus(place: str | os.PathLike) -> bool:
    """Whether a local folder is a data set of vectors."""
    return os.path.isfile(os.path.join(place, _LIST))


def _hash(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _to_parquet(table: pa.Table) -> memoryview:
    """A table as a file of Parquet; vectors are packed byte by byte."""
    vectors = "vector" in table.column_names
    options = {"column_encoding": {"vector.list.element": "BYTE_STREAM_SPLIT"}} if vectors else {}
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=False,
        write_page_checksum=True,
        **options,
    )
    return memoryview(sink.getvalue())
