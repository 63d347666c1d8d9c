"""An index takes in vectors that were computed before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.utils import Bunch

from ..transformers._frame_vectors import fit_for_arrays
from ..validation._tables import note_columns
from ._embedded_folder import EmbeddedFolder
from ._embedded_part import KnownClips, join_parts


class EmbeddedIndexMixin:
    """Add what `embed_corpus` wrote; `AudioIndex` has the rest."""

    mode: str
    method: str
    _content: Any
    _n_named: int
    _root: str | None
    _fitted_encoder: Callable[[], Any]
    _list_failed: Callable[[list], None]
    _require_folder: Callable[[str], None]
    _resolve_encoder: Callable[[], Any]
    _set_content: Callable[[Any], None]
    _start: Callable[[Any], None]
    _validate_params: Callable[[], None]
    save: Callable[..., Any]

    def add_embedded(self, folder, *, save_to=None):
        """Add the vectors that `embed_corpus` or ``skw2c embed --out FOLDER/`` wrote.

        No sound is read. An index that was not fitted is started. A file that the index has already
        is told by its content; one that has changed replaces what was there. Rows with an error are
        left out. Clips whose files are gone stay, until `update` removes them.

        Parameters
        ----------
        folder : str or Path
            The data set, or its address. What of it is not finished is not there yet.
        save_to : str, Path or None, default=None
            Where the index is to be saved, which happens again and again meanwhile, so that
            memory does not grow with the number of vectors. None saves nothing.

        Returns
        -------
        Bunch
            How many files there are by what became of them: ``n_added``, ``n_changed``,
            ``n_unchanged`` and ``n_failed`` (int).

        Raises
        ------
        CorpusError
            If the folder is not a data set of vectors, or they are not those of the encoder and
            the mode of the index. The index is then as before.
        SavedIndexError
            If ``save_to`` holds another index, or somebody else changed it.
        OptionalDependencyError
            If pyarrow (extra ``parquet``) is missing.
        ValueError
            If ``save_to`` is given for an index in a ``store``, where each change counts at once.

        Examples
        --------
        >>> import soundfile
        >>> from pathlib import Path
        >>> from skw2c import AudioIndex, datasets, embed_corpus
        >>> Path("recordings").mkdir()
        >>> clips = datasets.make_sound_events(3, random_state=0)
        >>> for number, clip in enumerate(clips.data):
        ...     soundfile.write(f"recordings/{number}.wav", clip, clips.sampling_rate)
        >>> result = embed_corpus("recordings", "embedded", "mini", verbose=False)
        >>> index = AudioIndex("mini")
        >>> index.add_embedded("embedded", save_to="library")
        {'n_added': 3, 'n_changed': 0, 'n_unchanged': 0, 'n_failed': 0}
        >>> len(AudioIndex.load("library"))
        3
        """
        self._validate_params()
        embedded = EmbeddedFolder(folder)
        if hasattr(self, "_content"):
            embedded.check_encoder(self._fitted_encoder(), self.mode)
        else:
            encoder = fit_for_arrays(self._resolve_encoder(), None)
            embedded.check_encoder(encoder, self.mode)
            note_columns(self, None, reset=True)
            self._start(encoder)
        if save_to is not None:
            self._require_folder("save")
        counts = self._take_in(embedded, save_to)
        self._list_failed([])
        kinds = ("added", "changed", "unchanged", "failed")
        return Bunch(**{f"n_{kind}": counts[kind] for kind in kinds})

    def _take_in(self, embedded: EmbeddedFolder, save_to):
        """Add the vectors in portions; return how many files were of each kind."""
        known, method = KnownClips(self._content), self.method
        is_new, root = not len(self._content), self._root
        if save_to is not None and is_new:
            self.method = "exact"  # what is searched later needs nothing to search in before
        try:
            for files in join_parts(embedded.parts()):
                part, gone = known.compare(files, self._content)
                self._n_named += len(files)
                if part is not None or gone:
                    self._set_content(self._content.changed({}, gone, part))
                    if save_to is not None:
                        self.save(save_to)
        finally:
            self.method = method
        if save_to is not None:
            if is_new:
                self._root = root  # meanwhile it was the folder that the first files are in
            self.save(save_to)
        return known.counts
