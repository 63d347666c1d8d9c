"""A saved index, opened for listening: its clips at once, its vectors and encoders as they load."""

from __future__ import annotations

import gc
import os
import shlex
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..exceptions import SavedIndexError
from ..maps._coordinates import mean_vectors
from ..search._listing import Clips, is_current, read_clips
from ._abilities import Lack, command_in, find_lacks
from ._items import Items
from ._problems import ProblemError
from ._relocation import Relocation
from ._text import as_text

if TYPE_CHECKING:
    import numpy as np

    from ..search._audio_index import AudioIndex

LOADING, READY, FAILED = "loading", "ready", "failed"


class Library:
    """A saved index whose clips can be listed before it is loaded.

    To import what embeds and compares takes seconds. The names of the clips are JSON, and are
    read by themselves; all else is loaded by `load`, in a thread of the server.

    Parameters
    ----------
    folder : str or os.PathLike
        Of the saved index.
    root : str, os.PathLike or None, default=None
        The folder that the sounds were moved to.
    parameters : callable, default=dict
        Gives the parameters of ``AudioIndex.load``; called when it is loaded.

    Attributes
    ----------
    listed : dict
        The list of the saved index.
    items : Items
        Its clips.
    id : str
        Of what was saved; another one after each save.
    state : {"loading", "ready", "failed"}
    error : str or None
        Why it failed.
    lacks : dict of str to Lack
        The kinds of queries that it cannot answer, once it is loaded.
    encoding : threading.Lock
        Held by who uses an encoder; they are not made for several threads at once.

    Raises
    ------
    SavedIndexError
        If there is no index, it is of another version, or damaged.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        *,
        root: str | os.PathLike | None = None,
        parameters: Callable[[], dict] = dict,
    ):
        self.folder = Path(os.path.realpath(os.path.expanduser(folder)))
        self._relocation, self._parameters = Relocation(root), parameters
        with _without_collector():
            self.listed, clips = read_clips(self.folder)
        self.items, self.id = Items(clips, self._relocation), self.listed["id"]
        self.state = LOADING
        self.error: str | None = None
        self.lacks: dict[str, Lack] = {}
        self.encoding = threading.Lock()
        self._index: AudioIndex | None = None
        self._means: tuple[str, np.ndarray] | None = None  # of which save, and what they are
        self._changing = threading.RLock()
        self._done = threading.Event()

    @property
    def mode(self) -> str:
        """``"clip"`` or ``"frame"``."""
        return self.listed["parameters"]["mode"]

    @property
    def encoder_name(self) -> str:
        """The encoder that the vectors were made with: its weights, or its class."""
        described = self.listed["encoder"]
        if isinstance(described, str):
            return described
        name = (described.get("weights") or {}).get("name")
        return str(name or described["class"])

    @property
    def index(self) -> AudioIndex:
        """The loaded index.

        Raises
        ------
        ProblemError
            If it is not loaded yet, or could not be.
        """
        if self.state == LOADING:
            raise ProblemError(503, "the library is still being loaded: try again in a few seconds")
        if self.state == FAILED or self._index is None:
            raise ProblemError(
                503, f"the library could not be loaded: {self.error}", command=self.command
            )
        return self._index

    @property
    def command(self) -> str | None:
        """What helps where it failed, if a command does."""
        return self.error and command_in(self.error)

    def load(self) -> None:
        """Load the index and what searches in it; errors are told by `state` and `error`."""
        try:
            self._load()
            self.state = READY
        except Exception as exc:
            if os.environ.get("SKW2C_TRACEBACK"):
                traceback.print_exc()
            self.error, self.state = str(exc) or type(exc).__name__, FAILED
        finally:
            self._done.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is loaded, or failed to; whether it did."""
        return self._done.wait(timeout)

    def vectors_of_clips(self) -> np.ndarray:
        """A unit vector for each clip, in frame mode the mean direction of its windows."""
        index = self.index
        if not len(self.items):
            raise ProblemError(409, "the library is empty: there is nothing to map or to sort")
        with self._changing:
            if self._means is None or self._means[0] != self.id:
                self._means = self.id, mean_vectors(index._content.vectors(), self.items.counts)
            return self._means[1]

    def is_outdated(self) -> bool:
        """Whether another program saved the library since it was read."""
        try:
            return self.state == READY and not is_current(self.folder, self.id)
        except SavedIndexError:  # said when it is read again
            return False

    def refresh(self) -> bool:
        """Go over to what another program saved; whether there was any.

        Raises
        ------
        ProblemError
            If it cannot be read. The library is then as before.
        """
        index = self.index
        with self._changing:
            if is_current(self.folder, self.id):
                return False
            try:
                index.refresh()
            except (SavedIndexError, ValueError) as exc:
                raise ProblemError(409, str(exc)) from exc
            self._take_clips(index)
        return True

    def remove_missing(self) -> int:
        """Remove clips whose files are gone, and save; return how many."""
        index = self.index
        with self._changing:
            self.refresh()
            missing = self.items.list_missing()
            if missing:
                index._drop(set(missing))
                index.save(self.folder)
                self._take_clips(index)
        return len(missing)

    def command_to_index(self, sounds: str, *, elsewhere: bool = False) -> str:
        """The command that indexes a folder of sounds, into this library or into another one."""
        folder = as_text(self.folder) + ("-new" if elsewhere else "")
        command = f"skw2c index {shlex.quote(folder)} {shlex.quote(sounds)}"
        same = elsewhere or self.encoder_name == "wav2clip"
        return command if same else f"{command} --encoder {shlex.quote(self.encoder_name)}"

    def _load(self) -> None:
        from ..search._audio_index import AudioIndex

        index = AudioIndex.load(self.folder, **self._parameters())
        sounds = self.items.common_folder() or "FOLDER_OF_SOUNDS"
        again = self.command_to_index(sounds, elsewhere=True)
        fetch = f"skw2c search {shlex.quote(as_text(self.folder))} dog"
        with self.encoding:
            self.lacks = find_lacks(index, again, fetch)
        self._index = index
        self._take_clips(index)

    def _take_clips(self, index: AudioIndex) -> None:
        """Show the clips of the loaded index, which others may have saved since it was listed."""
        content = index._content
        if content.n_vectors:
            index._engine().engines  # noqa: B018 - made now, and not at the first search
        clips = Clips(content.items, content.counts.tolist(), content.sources)
        self.items, self.id = Items(clips, self._relocation), index._saved_ids[str(self.folder)]


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the collector of garbage from walking through what is read, all of which stays."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
