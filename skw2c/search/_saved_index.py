"""What an index does with the place that it is kept in: a folder, or a database."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from sklearn.utils.validation import check_is_fitted

from .._version import __version__
from ..exceptions import SavedIndexError
from ..system._warning import warn_caller
from ..transformers._encoder_descriptions import describe_encoder, differences
from ._content import IndexContent
from ._folder import read_engines, read_index, write_index
from ._listing import is_current
from ._roots import check_root, common_folder
from ._saved_encoders import describe_parameters, restore_parameters, warn_of_unsaved
from ._stored_content import StoredContent


class SavedIndexMixin:
    """Save, load, refresh and compact an index; `AudioIndex` has the rest."""

    mode: str
    method: str
    get_params: Callable[..., dict]
    _encoder: Any
    _content: Any
    _home: Any
    _own_root: str | None
    _root: str | None
    _set_content: Callable[[IndexContent], None]
    _replace_encoder: Callable[[], None]
    _validate_params: Callable[[], None]

    def save(self, folder, *, root=None):
        """Save the index into a folder, or what was changed in the one it was loaded from.

        The folder holds arrays, JSON and the checksums of its files; nothing in it is
        pickled. The save counts as a whole or not at all: if the disk is full, the folder is as
        before. What was added becomes a part of its own, or is joined with small parts; what was
        removed is marked, and rewritten without it where more than a third of a part is gone.

        Parameters
        ----------
        folder : str or Path
            Made where it is missing.
        root : str, Path or None, default=None
            The folder that holds the sounds. Paths of files in it are saved relative to it, so
            that they are found again after all of it was moved. None: the one that was saved
            before, or else the folder that all files are in or below.

        Returns
        -------
        self : AudioIndex
            The index.

        Raises
        ------
        SavedIndexError
            If the folder holds another index, or one that was changed since this one was
            loaded; or if a file that is to be copied is damaged.
        NotADirectoryError
            If ``root`` is not a folder.
        ValueError
            If the index is in a ``store``, where each change counts at once.

        Examples
        --------
        >>> import numpy as np
        >>> from skw2c import AudioIndex
        >>> index = AudioIndex("passthrough").fit(np.eye(3), items=["a", "b", "c"]).save("kept")
        >>> index = AudioIndex.load("kept").remove("b").save("kept")
        >>> AudioIndex.load("kept").items_
        ['a', 'c']
        """
        check_is_fitted(self, "_content")
        self._require_folder("save")
        warn_of_unsaved(self, self._encoder)
        if root is not None:
            self._root = check_root(root)
        self._write(_real(folder))
        return self

    def compact(self):
        """Rewrite the saved index as one part, without what was removed.

        This takes as much disk again while it runs. Others who read the index go on with what
        they loaded; if it ends early, the folder is as before. Of an index in a ``store``, the
        database does what it has for this.

        Returns
        -------
        self : AudioIndex
            The index, with its changes saved.

        Raises
        ------
        ValueError
            If the index was never saved.
        SavedIndexError
            If somebody else changed the folder, or a file is damaged.

        Examples
        --------
        >>> import numpy as np
        >>> from skw2c import AudioIndex
        >>> index = AudioIndex("passthrough").fit(np.eye(3), items=["a", "b", "c"]).save("small")
        >>> index.remove("b").compact().items_
        ['a', 'c']
        """
        check_is_fitted(self, "_content")
        if self._content.store is not None:
            self._content.optimize()
            return self
        self._require_home("compact")
        self._write(self._home, compact=True)
        return self

    def refresh(self):
        """Go over to what is saved now, if somebody saved into the folder since.

        Until then an index answers from what it loaded, also while another program adds to the
        folder or removes from it. What did not change is not read again. Of an index in a
        ``store``, what is known of its clips is read again.

        Returns
        -------
        self : AudioIndex
            The index, as it was saved last.

        Raises
        ------
        ValueError
            If the index was never saved, or has changes that are not.
        SavedIndexError
            If the folder now holds an index that was made otherwise, or the store another one,
            or a file is damaged. The index is then as before.

        Examples
        --------
        >>> import numpy as np
        >>> from skw2c import AudioIndex
        >>> writer = AudioIndex("passthrough").fit(np.eye(3), items=["a", "b", "c"]).save("read")
        >>> reader = AudioIndex.load("read")
        >>> writer = writer.remove("b").save("read")
        >>> reader.items_, reader.refresh().items_
        (['a', 'b', 'c'], ['a', 'c'])
        """
        check_is_fitted(self, "_content")
        if self._content.store is not None:
            self._content.refresh()
            return self
        self._require_home("refresh")
        if self._content is not self._saved_content:
            raise ValueError("the index has changes that are not saved: save them, or load it")
        if is_current(self._home, self._saved_ids[self._home]):
            return self
        while True:
            known = self._content.parts
            listed, parts, root = read_index(self._home, root=self._own_root, known=known)
            self._check_same(listed)
            if self._take(self._home, listed, parts, root):
                return self

    @classmethod
    def load(cls, folder, *, root=None, verify=False, **parameters):
        """Load a saved index.

        Arrays of more than 64 MB are mapped: they are read where a search needs them, so that
        an index of any size opens at once. Of their files only the size is checked then, and of
        each vector that is compared that its cosine is a number from -1 to 1. Smaller files are
        compared with their checksums; larger ones before they are copied, by `save` or
        `compact`, or if ``verify=True``.

        Parameters
        ----------
        folder : str, Path, LanceStore or QdrantStore
            What `save` was given, or the store that the index is in.
        root : str, Path or None, default=None
            The folder that the sound files were moved to, all of them together. None: the one
            that was saved, as it was or as it lies now seen from the folder of the index.
        verify : bool, default=False
            Whether to read all files and compare them with their checksums.
        **parameters
            Parameters of the index that differ from those saved, such as
            ``device``, or that were not saved: an ``encoder`` of another package, a
            ``text_encoder`` that is a table.

        Returns
        -------
        AudioIndex
            The index, ready for `search` and `add`.

        Raises
        ------
        SavedIndexError
            If there is no index, it is of another version, a file is missing, truncated
            or another one than was saved, ``mode`` is not that of the index, or
            ``encoder`` is an encoder of skw2c with other weights or parameters than that of
            the index (of others only the class and the width are compared).
        NotADirectoryError
            If ``root`` is not a folder.
        ConnectionError
            If a store cannot be reached.

        Examples
        --------
        >>> import numpy as np
        >>> from skw2c import AudioIndex
        >>> index = AudioIndex("passthrough").fit(np.eye(3), items=["a", "b", "c"]).save("saved")
        >>> AudioIndex.load("saved", verify=True).items_
        ['a', 'b', 'c']
        """
        if hasattr(folder, "connect"):
            return cls._load_from_store(folder, parameters, root=root, verify=verify)
        if parameters.get("store") is not None:
            raise ValueError(
                f"store={parameters['store']!r} and the folder {os.fspath(folder)!r} are two "
                "places: AudioIndex.load(store) opens the index in the store"
            )
        folder = _real(folder)
        own_root = None if root is None else check_root(root)
        listed, parts, root = read_index(folder, root=own_root, verify=verify)
        index = cls._restore(listed, parameters, folder)
        index._start(listed["encoder"], IndexContent())
        index._check_saved(listed, parameters)
        if not index._take(folder, listed, parts, root, verify=verify):
            return cls.load(folder, root=own_root, verify=verify, **parameters)
        index._own_root = own_root
        return index

    @classmethod
    def _load_from_store(cls, store, parameters: dict, *, root, verify: bool):
        if root is not None or verify:
            raise ValueError(
                f"{store!r} keeps whole paths, and no checksums: root and verify are for indexes "
                "in folders; AudioIndex.update finds files that moved"
            )
        content = StoredContent.found(store)
        index = cls._restore(content.listed, {**parameters, "store": store}, store)
        index._start(content.listed["encoder"], content)
        index._check_saved(content.listed, parameters)
        return index

    @classmethod
    def _restore(cls, listed: dict, parameters: dict, place):
        """An unfitted index, as its list states it, but for some parameters."""
        try:
            return cls(**{**restore_parameters(listed), **parameters})
        except (AttributeError, ArithmeticError, KeyError, TypeError, ValueError) as exc:
            if unknown := set(parameters) - set(cls().get_params(deep=False)):
                raise TypeError(f"AudioIndex does not have a parameter {min(unknown)!r}") from exc
            raise SavedIndexError(
                f"The saved index in {place!r} is damaged: its encoders cannot be made "
                f"({type(exc).__name__}: {exc})"
            ) from exc

    def _check_saved(self, listed: dict, parameters: dict) -> None:
        """Refuse parameters that do not fit what was saved."""
        saved_mode = listed["parameters"]["mode"]
        self._validate_params()
        if self.mode != saved_mode:
            raise SavedIndexError(
                f"the index was built with mode={saved_mode!r}: pass that mode, or build a new "
                "index"
            )
        if "encoder" in parameters:
            self._replace_encoder()

    def _require_folder(self, what: str) -> None:
        if self._content.store is not None:
            raise ValueError(
                f"the index is in {self._content.store!r}, where each change counts at once: "
                f"there is nothing to {what}"
            )

    def _require_home(self, what: str) -> None:
        if self._home is None:
            raise ValueError(f"the index was never saved: save it into a folder before {what}()")

    def _check_same(self, listed: dict) -> None:
        """Refuse a list of an index that was made otherwise."""
        own = self._encoder
        own = own if isinstance(own, (dict, str)) else describe_encoder(own)
        different = differences(listed["encoder"], own)
        if listed["parameters"]["mode"] != self.mode:
            different = [*different, "mode"]
        if different:
            raise SavedIndexError(
                f"The folder {self._home!r} now holds an index that was made otherwise: they "
                f"differ in {', '.join(different)}. Load it with AudioIndex.load(folder)"
            )

    def _take(self, folder: str, listed: dict, parts: list, root, *, verify: bool = False) -> bool:
        """Take what was read from a folder; False where somebody saved into it meanwhile."""
        is_whole = read_engines(folder, listed, parts, self.method, verify=verify)
        if not is_whole:
            if not is_current(folder, listed["id"]):
                return False
            warn_caller(
                "The saved search structure of the index is missing or damaged, and is built again"
            )
        self.failed_items_, self._n_named = listed["failed_items"], listed["n_named"]
        self._set_content(IndexContent(parts))
        self._home, self._root, self._saved_content = folder, root, self._content
        self._saved_ids = {folder: listed["id"]}
        return True

    def _write(self, folder: str, *, compact: bool = False) -> None:
        """Save into a folder, and search from now on in what lies there."""
        root = self._root or common_folder(self._content.parts)
        self._saved_ids[folder], parts = write_index(
            folder,
            self._describe(),
            self._content.groups(keep_files=folder == self._home, compact=compact),
            saved_id=self._saved_ids.get(folder),
            method=self.method,
            root=root,
            compact=compact,
        )
        self._set_content(IndexContent(parts))
        self._home, self._root, self._saved_content = folder, root, self._content
        self._own_root = None

    def _describe(self) -> dict:
        return {
            "n_items": len(self._content),
            "n_vectors": self._content.n_vectors,
            "failed_items": self.failed_items_,
            "n_named": self._n_named,
            **self._describe_making(),
        }

    def _describe_making(self) -> dict:
        """By what the vectors are made."""
        return {
            "created_by": f"skw2c {__version__}",
            **describe_parameters(self, self._encoder),
        }


def _real(folder) -> str:
    """The same name for a folder however it is reached."""
    return os.path.realpath(os.path.expanduser(os.fspath(folder)))
