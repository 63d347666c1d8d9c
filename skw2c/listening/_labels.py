"""Labels that listeners give the clips of an index, kept beside it."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..exceptions import SavedIndexError
from ..maps._beside import name_beside, place_beside
from ..system._atomic import write_atomically

MOST_CLASSES = 9
"""As many as there are keys from 1 to 9."""

_NAME = "labels.json"
_FORMAT = "skw2c labels"
_VERSION = 1
_LONGEST = 200  # characters


class Labels:
    """Labels of clips by their names, and the classes to choose from.

    Each change is on disk before its method returns. Several threads and processes may change
    the labels of one index: none overwrites what another has written.

    Parameters
    ----------
    folder : str or os.PathLike
        The folder of the index.

    Raises
    ------
    SavedIndexError
        If the file of labels is damaged. The message names it.
    """

    def __init__(self, folder: str | os.PathLike):
        self._folder = folder
        self._lock = threading.Lock()
        self._stamp: tuple | None = None
        self._classes: list[str] = []
        self._labels: dict = {}
        self._read()

    @property
    def classes(self) -> list[str]:
        """Labels to choose from, in the order of the keys."""
        with self._lock:
            self._read()
            return list(self._classes)

    @property
    def labels(self) -> dict:
        """The label of each name that has one."""
        with self._lock:
            self._read()
            return dict(self._labels)

    def counts(self) -> dict[str, int]:
        """Number of clips of each label, first of the classes in their order."""
        with self._lock:
            self._read()
            found = Counter(self._labels.values())
            return {**{name: found[name] for name in self._classes}, **found}

    def set_classes(self, classes: Sequence[str], renamed: Mapping[str, str] | None = None) -> None:
        """Choose the classes; labels that were given stay, but for those that are renamed.

        Parameters
        ----------
        classes : sequence of str
        renamed : mapping of str to str, optional
            New names of labels that were given, by their old names.

        Raises
        ------
        ValueError
            If there are more than 9, two are the same, one cannot be a label, or a new name is
            none of the classes.
        OSError
            If they cannot be written.
        """
        classes = [_check_class(name) for name in classes]
        if len(classes) > MOST_CLASSES:
            raise ValueError(
                f"got {len(classes)} classes, expected at most {MOST_CLASSES}: one for each key"
            )
        twice = [name for name, count in Counter(classes).items() if count > 1]
        if twice:
            raise ValueError(f"the class {twice[0]!r} is there twice: remove or rename one")
        new_names = {old: _check_class(new) for old, new in (renamed or {}).items()}
        for new in new_names.values():
            if new not in classes:
                raise ValueError(f"the new name {new!r} is none of the classes")

        def change() -> None:
            self._classes = classes
            self._labels = {item: new_names.get(name, name) for item, name in self._labels.items()}

        self._change(change)

    def set_label(self, item, label: str | None) -> None:
        """Give a clip a label, in place of the one that it has; None takes it away.

        Raises
        ------
        ValueError
            If the label is none of the classes.
        OSError
            If it cannot be written.
        """

        def change() -> None:
            if label is None:
                self._labels.pop(item, None)
            elif label not in self._classes:
                known = ", ".join(map(repr, self._classes)) or "none yet"
                raise ValueError(f"{label!r} is none of the classes ({known}): add it first")
            else:
                self._labels[item] = label

        self._change(change)

    def _change(self, change: Callable[[], None]) -> None:
        """Read what others have written, change it, and write it."""
        from filelock import FileLock

        path = place_beside(self._folder, _NAME)
        with self._lock, FileLock(f"{path}.lock"):
            self._read()
            try:
                change()
                write_atomically(path, self._to_json())
            except BaseException:
                self._stamp = None
                self._read()
                raise
            self._stamp = _stamp_of(path)

    def _read(self) -> None:
        """Read the file if it is not the one that was read or written last."""
        path = name_beside(self._folder, _NAME)
        stamp = _stamp_of(path)
        if stamp is None:
            self._classes, self._labels = [], {}
        elif stamp != self._stamp:
            self._classes, self._labels = _parse(path)
        self._stamp = stamp

    def _to_json(self) -> bytes:
        content = {
            "format": _FORMAT,
            "version": _VERSION,
            "classes": self._classes,
            "labels": list(self._labels.items()),
        }
        return json.dumps(content, indent=0).encode()


def _check_class(name) -> str:
    """A name that can be a label.

    Raises
    ------
    ValueError
        If it cannot.
    """
    if not isinstance(name, str):
        raise ValueError(f"the class {name!r} is not text")
    text = name.strip()
    if not text:
        raise ValueError("a class has no name")
    if not text.isprintable():
        raise ValueError(f"the class {text!r} contains characters that cannot be shown")
    if len(text) > _LONGEST:
        raise ValueError(f"a class has {len(text)} characters, expected at most {_LONGEST}")
    return text


def _stamp_of(path: Path) -> tuple | None:
    """What tells whether a file was replaced; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _parse(path: Path) -> tuple[list[str], dict]:
    try:
        if not path.is_file():
            raise ValueError("it is not a file")
        content = json.loads(path.read_text("utf-8"))
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise ValueError("it does not hold labels")
        if content.get("version") != _VERSION:
            raise ValueError(f"it has version {content.get('version')!r}, expected {_VERSION}")
        return _check_names(content["classes"]), dict(map(_check_pair, content["labels"]))
    except (KeyError, RecursionError, TypeError, ValueError) as exc:
        raise SavedIndexError(
            f"The labels in {str(path)!r} cannot be read ({type(exc).__name__}: {exc}): put the "
            "file back from a copy, or move it away to begin anew"
        ) from exc


def _check_names(names) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("its classes are not names")
    return names


def _check_pair(pair) -> tuple:
    if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], str):
        raise ValueError("its labels are not pairs of a clip and a label")
    if not isinstance(pair[0], (str, int, float)):
        raise ValueError("its clips are not names")
    return tuple(pair)
