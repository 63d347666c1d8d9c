"""A saved index: a folder of files that never change, and a list of those that count.

Each save writes what is new into files of their own and then replaces the list,
``index.json``, in one step. Whatever ends a save early, the old list still holds.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..exceptions import SavedIndexError
from ..system._atomic import write_atomically
from ._checks import FILES
from ._listing import (
    FORMAT,
    LIST,
    VERSION,
    damaged,
    identity,
    is_current,
    read_list,
    require_list,
    set_root,
)
from ._part import IndexPart
from ._part_files import PartWriter, read_engine, read_old_engine, read_part
from ._roots import describe_root


def read_index(
    folder: str | os.PathLike,
    *,
    root: str | None = None,
    verify: bool = False,
    known: Sequence[IndexPart] = (),
) -> tuple[dict, list[IndexPart], str | None]:
    """Read the description, the parts and the root of a saved index, and check its files.

    Parameters
    ----------
    folder : str or os.PathLike
    root : str or None, default=None
        The folder that the files were moved to. None: they are where the list says.
    verify : bool, default=False
        Whether to compare all files with their checksums. Else only small ones are, and of
        others the size.
    known : sequence of IndexPart, default=()
        Saved parts that were read before, whose vectors and engines are taken.

    Raises
    ------
    SavedIndexError
        If there is no index, it is of another version, or a file is missing, truncated
        or another one than was saved.
    """
    folder = Path(folder)
    listed = require_list(folder)
    before = {part.files["vectors"]["file"]: part for part in known}
    try:
        parts = [
            read_part(folder, files, verify=verify, known=before.get(files["vectors"]["file"]))
            for files in listed["parts"]
        ]
    except SavedIndexError:
        if is_current(folder, listed["id"]):
            raise
        # Somebody saved meanwhile and joined files of this list: there is another list now.
        return read_index(folder, root=root, verify=verify, known=known)
    _check_agreement(folder, listed, parts)
    return listed, parts, set_root(folder, listed, [part.clips for part in parts], root)


def read_engines(
    folder: str | os.PathLike,
    listed: dict,
    parts: Sequence[IndexPart],
    method: str,
    *,
    verify: bool = False,
) -> bool:
    """Take what was saved to search with; False where some of it cannot be used."""
    folder, old = Path(folder), listed.get("neighbours")
    if old is not None:
        return read_old_engine(folder, old, parts, method)
    are_whole = [read_engine(folder, part, method, verify=verify) for part in parts]
    return all(are_whole)


def _check_agreement(folder: Path, listed: dict, parts: list[IndexPart]) -> None:
    """All parts are of one width and of the mode of the index, and none is missing."""
    found = {"n_items": sum(map(len, parts)), "n_vectors": sum(part.n_vectors for part in parts)}
    for name, number in found.items():
        if listed.get(name, number) != number:
            raise damaged(
                folder / LIST, f"its parts have {name}={number}, and {listed[name]!r} was saved"
            )
    framed = listed["parameters"]["mode"] == "frame"
    for part in parts:
        if part.vectors.shape[1] != parts[0].vectors.shape[1]:
            raise damaged(folder / LIST, "its parts have vectors of several widths")
        if framed != (part.times is not None):
            raise damaged(folder / LIST, "its parts are not of its mode")


def write_index(
    folder: str | os.PathLike,
    description: dict,
    groups: Sequence[Sequence[IndexPart]],
    *,
    saved_id: str | None,
    method: str,
    root: str | None,
    compact: bool = False,
) -> tuple[str, list[IndexPart]]:
    """Save an index; return the identity of what was saved, and its parts as they lie there.

    Parameters
    ----------
    folder : str or os.PathLike
        Made where it is missing.
    description : dict
        What else the list says.
    groups : sequence of sequence of IndexPart
        Each becomes one part. What of it is not among its ``files`` is written.
    saved_id : str or None
        What the last save or load of this index in this folder gave; None: never saved.
    method : str
        How it is searched.
    root : str or None
        The folder that paths are relative to.
    compact : bool, default=False
        Whether to rewrite parts of which something was removed.

    Raises
    ------
    SavedIndexError
        If the folder holds another index, or one that somebody changed since, or a file that
        is to be copied is damaged.
    """
    from filelock import FileLock

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    writer, new_id = PartWriter(folder, root, method), uuid.uuid4().hex
    with FileLock(folder / ".lock"):
        _check_unchanged(folder, saved_id)
        try:
            parts = [writer.write(group, compact=compact) for group in groups]
            listed = {
                "format": FORMAT,
                "version": VERSION,
                "id": new_id,
                **description,
                "root": describe_root(root, folder),
                "parts": [part.files for part in parts],
            }
            write_atomically(folder / LIST, json.dumps(listed, indent=1).encode())
        except BaseException:
            with suppress(SavedIndexError):
                if not is_current(folder, new_id):
                    writer.undo()
            raise
        _remove_others(folder, parts)
    return new_id, parts


def _check_unchanged(folder: Path, saved_id: str | None) -> None:
    found = identity(read_list(folder))
    if found is not None and found != saved_id:
        raise SavedIndexError(
            f"The folder {str(folder)!r} holds an index that this one was not loaded from, or "
            "that was changed since: load it and add to it, or save into another folder"
        )


def _remove_others(folder: Path, parts: Sequence[IndexPart]) -> None:
    """Remove what earlier saves left and nothing lists any more."""
    kept = {entry["file"] for part in parts for entry in part.files.values() if entry}
    for path in folder.iterdir():
        # Before a sweep of leftovers belonged to the writer, dots and numbers preceded the name.
        name = re.sub(r"^(\.[0-9a-f]{32}\.)+", "", path.name)
        if FILES.fullmatch(name) and path.name not in kept:
            with suppress(OSError):
                path.unlink()
