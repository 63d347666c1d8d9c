"""A folder of shards: what ``shards.json`` states of all, and which shards there are."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Collection
from pathlib import Path

from ..exceptions import ShardError
from ..system._atomic import write_atomically
from ._open_files import OpenFile

LIST = "shards.json"
FORMAT = "skw2c shards"
VERSION = 1
_HIGHEST_RATE, _LARGEST_WIDTH = 1e6, 1 << 20


def list_shards(paths) -> list[Path]:
    """List the shards that folders, patterns and names mean.

    What ``shards.json`` lists and a folder lacks is among them, for `open_shard` to judge.

    Raises
    ------
    ShardError
        If a name means no shard.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    files = [file for path in paths for file in _files_of(os.fsdecode(path))]
    if not files:
        raise ShardError("paths is empty: it names no shards")
    once: dict[str, Path] = {}
    for file in files:
        once.setdefault(os.path.realpath(file), file)
    return list(once.values())


def _files_of(path: str) -> list[Path]:
    names: Collection[str]
    if os.path.isdir(path):
        listed = read_description(path).get("shards", {})
        found = glob.glob(os.path.join(glob.escape(path), "*.tar"))
        names = {os.path.basename(file) for file in found}.union(listed)
    elif os.path.exists(path):
        return [Path(path)]
    else:
        names = glob.glob(path, recursive=True)
    if not names:
        raise ShardError(f"{path!r} is neither a folder nor a file nor a pattern of shards")
    folder = path if os.path.isdir(path) else ""
    return [Path(folder, name) for name in sorted(names)]


def read_description(folder: str | os.PathLike) -> dict:
    """Read what ``shards.json`` states.

    Raises
    ------
    ShardError
        If it is missing, damaged or of another version.
    """
    path = Path(folder) / LIST
    try:
        description = read_json(path)
    except FileNotFoundError as exc:
        raise ShardError(
            f"The folder {str(folder)!r} lacks {LIST}, which states frame rate and width of its "
            "shards: put it back from where the shards were written"
        ) from exc
    except (OSError, ValueError) as exc:
        raise ShardError(f"{str(path)!r} is damaged ({exc}): put it back from a copy") from exc
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise ShardError(f"{str(path)!r} is not a list of shards of skw2c")
    if description.get("version") != VERSION:
        raise ShardError(
            f"{str(path)!r} is of version {description.get('version')!r}, and this skw2c reads "
            f"version {VERSION}: use the skw2c that wrote it ({description.get('created_by')})"
        )
    _check_description(path, description)
    return description


def read_json(path: Path):
    """Read a file of JSON.

    Raises
    ------
    FileNotFoundError
        If it is missing.
    ValueError
        If it cannot be read, or is not JSON in which each name occurs once.
    """
    if not os.path.lexists(path):
        raise FileNotFoundError(path)
    file = OpenFile(path)
    try:
        return json.loads(file.read(0, file.size), object_pairs_hook=_take_names_once)
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc


def _take_names_once(pairs: list[tuple]) -> dict:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} occurs twice")
    return content


def _check_description(path: Path, description: dict) -> None:
    """Refuse entries that nothing could be read by.

    Raises
    ------
    ShardError
    """
    rules = {
        "frame_rate": lambda rate: _is_number(rate) and 0 < rate <= _HIGHEST_RATE,
        "width": lambda width: _is_number(width, int) and 1 <= width <= _LARGEST_WIDTH,
        "texts": lambda texts: isinstance(texts, bool),
        "sampling_rate": lambda rate: _is_number(rate, int) and 1 <= rate <= _HIGHEST_RATE,
        "teacher": lambda teacher: isinstance(teacher, dict),
    }
    for name, is_right in rules.items():
        if not is_right(description.get(name)):
            stated = f"is {description[name]!r}" if name in description else "is missing"
            raise ShardError(
                f"{str(path)!r} is damaged: its entry {name!r} {stated:.99}. Put the file back "
                "from a copy"
            )
    shards = description.get("shards", {})
    if not isinstance(shards, dict) or not all(map(_is_list_of_names, shards.values())):
        raise ShardError(
            f"{str(path)!r} is damaged: its entry 'shards' does not list the videos of each shard. "
            "Put the file back from a copy"
        )
    for name in shards:
        if not name.endswith(".tar") or "\0" in name or os.path.basename(name) != name:
            raise ShardError(
                f"{str(path)!r} is damaged: it lists {name!r:.99}, which does not name a shard of "
                "this folder. Put the file back from a copy"
            )


def _is_number(value, kinds=(int, float)) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _is_list_of_names(names) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def shared_terms(description: dict) -> dict:
    """What must be the same for shards that are trained on together."""
    teacher = description["teacher"]
    if "identity" in teacher:  # which is more certain than the names under which it was found
        teacher = {name: teacher[name] for name in teacher if name not in ("model", "pretrained")}
    shared = {name: description[name] for name in ("sampling_rate", "frame_rate", "width", "texts")}
    return {**shared, **{f"teacher {name}": value for name, value in sorted(teacher.items())}}


def claim_folder(folder: Path, description: dict) -> None:
    """Make the folder one of this configuration, or make sure that it is.

    Raises
    ------
    ShardError
        If it holds shards of other videos, or of another configuration.
    """
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if (folder / LIST).exists():
            _compare(folder, read_description(folder), description)
            return
        strangers = sorted(path for path in folder.glob("*.tar") if path.name[0] != ".")
        if strangers:
            raise ShardError(
                f"The folder {str(folder)!r} holds {strangers[0].name!r} but not {LIST}, which "
                "would show what that was made of: choose another folder"
            )
        write_description(folder, description)


def _compare(folder: Path, there: dict, here: dict) -> None:
    for name, wanted in _terms_of_writing(here).items():
        found = _terms_of_writing(there).get(name)
        if found != wanted:
            raise ShardError(
                f"The folder {str(folder)!r} holds shards of another configuration: {name} is "
                f"{found!r} there and {wanted!r} here. Choose another folder, or the same "
                "arguments as before. Nothing was written."
            )
    found, wanted = there.get("shards", {}), here["shards"]
    for name in sorted({*found, *wanted}):
        if found.get(name) != wanted.get(name):
            raise ShardError(
                f"The folder {str(folder)!r} holds shards of other videos, {name} the first of "
                "them. Choose another folder, or the same videos in the same order. Nothing "
                "was written."
            )


def _terms_of_writing(description: dict) -> dict:
    names = ("piece_length", "clips_per_shard", "captions_sha256")
    return {**shared_terms(description), **{name: description.get(name) for name in names}}


def write_description(folder: Path, description: dict) -> None:
    """Write ``shards.json``."""
    content = {"format": FORMAT, "version": VERSION, **description}
    write_atomically(folder / LIST, json.dumps(content, indent=1).encode())
