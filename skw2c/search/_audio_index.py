"""AudioIndex: find sounds by words, sounds, images or vectors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from numbers import Integral

import joblib
import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_array
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..exceptions import UnreadableError
from ..system._docstrings import document_shared
from ..transformers._encoders import (
    PARTNER,
    name_encoder,
    resolve_encoder,
    resolve_partner,
    takes_vectors,
    tell_of_input,
)
from ..transformers._frame_vectors import embed_as_array, fit_for_arrays
from ..transformers._rows import GO_ON
from ..transformers._shared_parameters import WITH_ENCODER
from ..validation._intervals import SECONDS
from ..validation._tables import note_columns, take_columns
from ._content import IndexContent
from ._embedded_index import EmbeddedIndexMixin
from ._filters import choose_vectors
from ._map import draw_map
from ._methods import METHODS
from ._new_part import as_floats, embed_part, pick
from ._parted import PartedNeighbours
from ._queries import list_names, list_queries, list_rows
from ._query_vectors import embed_sounds, embed_words, require_encoder, to_unit_queries
from ._results import Hits, tabulate
from ._saved_encoders import check_replacement, outline, restore_fitted, warn_of_unsaved
from ._saved_index import SavedIndexMixin
from ._sources import Job, Plan, Planner, find_items
from ._stored_content import EMPTY, StoredContent

_KINDS = ("text", "audio", "image", "vector")
_LOCAL = ("device", "n_jobs", "memory", "on_error", "verbose")
_FRAMING = ("mode", "frame_length", "hop_length", "tail")


@document_shared(WITH_ENCODER)
class AudioIndex(EmbeddedIndexMixin, SavedIndexMixin, BaseEstimator):
    """Find sounds by words, by other sounds, by images or by vectors.

    An index holds the vectors of clips, or of the windows of clips, and ranks them by
    their cosine with the vector of a query.

    Parameters
    ----------
    encoder : str or transformer, default="wav2clip"
        What makes vectors of clips, as for :class:`ZeroShotClassifier`.

    text_encoder : str, transformer, dict, DataFrame, (array, names) or None, default="auto"
        What makes vectors of words: ``"auto"`` is the text encoder that shares the space of
        ``encoder``, another name that of a registered one; a table holds ready vectors, and only
        its names can be asked for. None: no words.

    image_encoder : str, transformer or None, default="auto"
        What makes vectors of images: ``"auto"`` is the image encoder that shares the space of
        ``encoder``, another name that of a registered one. None: no images.

    prompts : str or sequence of str, default="{}"
        One template or many for words, with ``{}`` where they stand. The vectors of
        several are scaled to unit length and averaged.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` indexes each clip as a whole, ``"frame"`` each of its windows, so
        that a search says from when to when.

    method : {"auto", "exact", "faiss", "disk"}, default="auto"
        ``"exact"`` compares a query with all vectors, by scikit-learn. ``"faiss"`` (extra
        ``search``) compares it with those that are likely, and finds at least 95 % of
        what is right, by codes in memory: 136 bytes for a vector of 512 numbers. ``"disk"``
        does the same by shorter codes in a file that is mapped, which takes almost no memory
        and more time. ``"auto"`` chooses by the number of vectors that were saved together:
        faiss from 50,000 on, disk from 5 million on, where faiss is installed. In a ``store``,
        ``"auto"`` is what the database does, and ``"exact"`` has it compare all vectors.

    store : LanceStore, QdrantStore or None, default=None
        The database that clips and vectors are in (:class:`skw2c.search.LanceStore`,
        :class:`skw2c.search.QdrantStore`). What `fit`, `add`, `update` and `remove` change counts
        there at once; ``AudioIndex.load(store)`` opens it again. None: in memory, and in the
        folder that `save` is given.

    frame_length, hop_length, tail, device, n_jobs, memory : shared
        As described in ``_shared_parameters``.

    on_error : {"raise", "nan"}, default="raise"
        What to do with a clip that cannot be read. ``"raise"`` stops with an error that
        names row and file. ``"nan"`` goes on without it, and lists it in
        ``failed_items_``.

    verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    items_ : list
        Names of the clips in the index.

    failed_items_ : list
        Names of the clips that could not be read.

    n_vectors_ : int
        Number of vectors: as many as clips, or as windows in frame mode.

    See Also
    --------
    ZeroShotClassifier : Gives sounds labels.
    skw2c.metrics : Says how good a search is.

    Notes
    -----
    The parameters from ``frame_length`` on go to encoders that are given by name; a
    transformer has its own, and all else that it can be told. Where a transformer has a
    parameter ``mode`` or, in frame mode, ``tail``, it is set to that of the index.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import AudioIndex
    >>> words = {"dog": [1.0, 0.0], "rain": [0.0, 1.0]}
    >>> index = AudioIndex(encoder="passthrough", text_encoder=words)
    >>> vectors = np.array([[2.0, 0.1], [0.3, 0.9], [0.0, 1.0]])
    >>> index.fit(vectors, items=["a.wav", "b.wav", "c.wav"]).search("rain", k=2)
      query  rank   item     score
    0  rain     1  c.wav  1.000000
    1  rain     2  b.wav  0.948683

    A folder of its own keeps it, and more clips can be added:

    >>> index = index.save("library")
    >>> index = AudioIndex.load("library", encoder="passthrough", text_encoder=words)
    >>> len(index.add([[0.1, 0.9]], items=["d.wav"]))
    4
    >>> index = index.remove(["a.wav"]).save("library")

    With files (the weights are fetched once):

    >>> index = AudioIndex(on_error="nan").fit(["a.wav", "b.wav"])  # doctest: +SKIP
    >>> index.search("a dog barks")  # doctest: +SKIP
    >>> index.search("photo.jpg", by="image")  # doctest: +SKIP
    """

    _parameter_constraints = {
        "encoder": [str, HasMethods(["fit", "transform"])],
        "text_encoder": [str, HasMethods(["fit", "transform"]), Mapping, "array-like", None],
        "image_encoder": [str, HasMethods(["fit", "transform"]), None],
        "prompts": [str, "array-like"],
        "mode": [StrOptions({"clip", "frame"})],
        "method": [StrOptions(set(METHODS))],
        "store": [HasMethods(["connect"]), None],
        "frame_length": [SECONDS],
        "hop_length": [SECONDS],
        "tail": [StrOptions({"pad", "drop"})],
        "device": [str],
        "n_jobs": [Integral, None],
        "memory": [str, os.PathLike, joblib.Memory, None],
        "on_error": [StrOptions({"raise", "nan"})],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        encoder="wav2clip",
        *,
        text_encoder="auto",
        image_encoder="auto",
        prompts="{}",
        mode="clip",
        method="auto",
        store=None,
        frame_length=1.0,
        hop_length=1.0,
        tail="pad",
        device="auto",
        n_jobs=None,
        memory=None,
        on_error="raise",
        verbose=False,
    ):
        self.encoder = encoder
        self.text_encoder = text_encoder
        self.image_encoder = image_encoder
        self.prompts = prompts
        self.mode = mode
        self.method = method
        self.store = store
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.tail = tail
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, *, items=None):
        """Build the index from clips.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            Clips, or what else the encoder takes. Under ``encoder="passthrough"`` vectors
            (n_clips, width), or in frame mode (n_frames, width) of each clip.
        y : None
            Ignored.
        items : sequence of str or numbers, or None, default=None
            What the clips are called in results. None takes the paths, and numbers
            for what has none.

        Returns
        -------
        self : AudioIndex
            The index.
        """
        encoder = self._resolve_encoder()
        note_columns(self, None, reset=True)
        encoder = fit_for_arrays(encoder, X)
        take_columns(self, encoder)
        self._start(encoder)
        self._append(X, items)
        return self

    def add(self, X, *, items=None):
        """Add clips to the index.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            As in `fit`.
        items : sequence of str or numbers, or None, default=None
            As in `fit`.

        Returns
        -------
        self : AudioIndex
            The index.
        """
        check_is_fitted(self, "_content")
        self._append(X, items)
        return self

    def update(self, X, *, items=None, missing="remove", dry_run=False):
        """Let the index follow its files: embed what is new or changed, remove what is gone.

        Files are told apart by their content; where size and time are what they were, it is
        not read. A file that was moved or renamed keeps its vectors and gets its new name.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            As in `add`; it may be an empty list. Files of the index that are not in X stay as
            they are, if they are still there. Clips that are not files are told apart by ``items``.
        items : sequence of str or numbers, or None, default=None
            As in `fit`.
        missing : {"remove", "keep"}, default="remove"
            What becomes of clips whose files are gone, also if the whole drive is not there.
        dry_run : bool, default=False
            Whether to say only what would be done.

        Returns
        -------
        Bunch
            Names of the clips by what became of them: the lists ``added``, ``changed``,
            ``unchanged``, ``missing`` and ``failed`` (of ``on_error="nan"``), and ``moved``, a
            list of (old name, new name).

        Raises
        ------
        ValueError
            If ``missing`` is neither, or X is not a collection of clips.
        AudioError
            If a clip cannot be read and ``on_error="raise"``. The index is then as before.

        Examples
        --------
        >>> import numpy as np
        >>> from skw2c import AudioIndex
        >>> index = AudioIndex("passthrough").fit(np.eye(3), items=["a", "b", "c"])
        >>> report = index.update(np.ones((2, 3)), items=["b", "d"])
        >>> report.changed, report.added, index.items_
        (['b'], ['d'], ['a', 'c', 'b', 'd'])

        With files:

        >>> report = index.update(["a.wav", "b.wav"])  # doctest: +SKIP
        """
        check_is_fitted(self, "_content")
        if missing not in ("remove", "keep"):
            raise ValueError(f"got missing={missing!r}, expected 'remove' or 'keep'")
        rows = [] if isinstance(X, (list, tuple)) and not X else list_rows(X)
        plan, before = self._plan(rows, items, by_name=True), self.items_
        if missing == "remove":
            plan.missing = Planner(self._content).missing(plan)
        failed = [] if dry_run else self._carry_out(X, rows, plan)
        return plan.report(before, failed)

    def remove(self, items):
        """Remove clips from the index.

        Parameters
        ----------
        items : str, Path, number, or a list of them
            Names of clips as in ``items_``, or their files by any path. Where several clips
            have one name, all of them go.

        Returns
        -------
        self : AudioIndex
            The index.

        Raises
        ------
        ValueError
            If one of them is not in the index, which is then as before.

        Examples
        --------
        >>> import numpy as np
        >>> from skw2c import AudioIndex
        >>> index = AudioIndex("passthrough").fit(np.eye(3), items=["a", "b", "c"])
        >>> index.remove(["a", "c"]).items_
        ['b']
        """
        check_is_fitted(self, "_content")
        single = isinstance(items, (str, os.PathLike)) or not np.iterable(items)
        numbers = find_items([items] if single else items, self.items_, self._content.sources)
        self._drop(numbers)
        return self

    def search(self, query, *, by="text", k=10, where=None):
        """Find the clips or windows that are nearest to a query.

        Parameters
        ----------
        query : str, Path, array, image, file in memory, (samples, rate), or a list of them
            One query or several.
        by : {"text", "audio", "image", "vector"}, default="text"
            What the query is. Sounds are whatever `fit` takes as clips. Vectors are (width,)
            or (n_queries, width), in an array, a list, a DataFrame (one query in each row) or a
            sparse matrix.
        k : int, default=10
            Number of results for each query; all, where there are fewer.
        where : dict or None, default=None
            Which clips to look among; all conditions must hold. ``"folder"``: one folder or a
            list of them, in which or below which the files are; by any path, or below the folder
            that paths are saved relative to. A name that begins with the folder counts as well.
            ``"duration"``: (shortest, longest) in seconds, one of which may be None; clips
            whose duration is not known do not fit. ``"items"``: names of clips, however they were
            chosen.

        Returns
        -------
        DataFrame
            One row per result: ``query`` (the words or the path, else the number of the
            query), ``rank`` (from 1), ``item`` (the clip's name), ``score`` (cosine), and
            in frame mode ``start`` and ``end`` (seconds from the start of the clip).

        Raises
        ------
        ValueError
            If the query is empty, or its vector has another length than those of the
            index, or ``where`` has a condition that is unknown or, by itself, fits no clip.
        WeightsError
            If the words of a student of another encoder are asked for, and are not known, as the
            file of its weights was moved or replaced.
        SavedIndexError
            If a vector that is compared turns out to be damaged.

        Examples
        --------
        >>> import numpy as np
        >>> from skw2c import AudioIndex
        >>> names = ["birds/a.wav", "birds/b.wav", "cars/c.wav"]
        >>> index = AudioIndex("passthrough").fit(np.eye(3), items=names)
        >>> found = index.search([0, 0, 1], by="vector", where={"folder": "birds"})
        >>> found["item"].tolist()
        ['birds/a.wav', 'birds/b.wav']
        """
        check_is_fitted(self, "_content")
        if by not in _KINDS:
            raise ValueError(f"by={by!r} must be one of {', '.join(map(repr, _KINDS))}")
        if not isinstance(k, Integral) or k < 1:
            raise ValueError(f"k={k!r} must be a whole number of at least 1")
        self._check_columns(query, by)
        queries = list_queries(query, by)
        unit = self._embed_as_units(queries, by)
        return tabulate(queries, self._find(unit, int(k), where))

    def map(self, *, method="auto", labels=None, table=None, clips=1000, seconds=3.0, limit=25.0):
        """Draw a map of the clips, on which similar ones lie near each other and can be heard.

        The map is a page in one file. It needs no network and no other file, and plays short
        previews of the clips, which PyAV (extra ``media``) encodes.

        Parameters
        ----------
        method : {"auto", "umap", "pca"}, default="auto"
            What lays the clips out. ``"umap"`` (extra ``serve``) keeps neighbours together, and
            takes from half a minute for a few thousand clips to several for 100,000.
            ``"pca"`` takes seconds. ``"auto"`` is UMAP where it is installed. In frame mode, the
            mean of its windows stands for a clip. The folder of a saved index keeps the result.
        labels : sequence of str or None, default=None
            Words to colour the clips by: each gets the colour of the nearest.
        table : str, Path, DataFrame or None, default=None
            What is known of the clips, to colour them by: names of clips in the first column, as
            in ``items_`` or without their folders, and values in the others. A path is that of a
            CSV or TSV file.
        clips : int, default=1000
            How many clips get a preview at most; they are spread over the map. 0: none.
        seconds : float, default=3.0
            Longest duration of a preview, in seconds.
        limit : float or None, default=25.0
            Largest size of the page, in megabytes. None: no limit.

        Returns
        -------
        SoundMap
            Shows itself in notebooks, which grow by its size. Its method ``save(path)`` writes
            the page into a file. Its attribute ``estimated_size`` says beforehand about how many
            bytes the page will have, and ``failures`` afterwards which clips have no preview.

        Raises
        ------
        ValueError
            If a parameter is out of its range, the table does not fit the clips, or the page
            would be larger than the limit.
        OptionalDependencyError
            If a package is missing that ``method`` or previews need.

        Warns
        -----
        UserWarning
            When the previews are encoded, if a file is missing or cannot be read. Its clip stays
            on the map.

        Examples
        --------
        >>> import numpy as np
        >>> from skw2c import AudioIndex
        >>> words = {"dog": [1.0, 0.0], "rain": [0.0, 1.0]}
        >>> index = AudioIndex("passthrough", text_encoder=words)
        >>> index = index.fit([[2.0, 0.1], [0.3, 0.9]], items=["a", "b"])
        >>> page = index.map(method="pca", labels=["dog", "rain"]).save("map.html")

        With files, in a notebook:

        >>> AudioIndex("mini").fit(files).map()  # doctest: +SKIP
        """
        check_is_fitted(self, "_content")
        return draw_map(
            self._content,
            self._home,
            partial(self._embed_as_units, by="text"),
            method=method,
            labels=labels,
            table=table,
            clips=clips,
            seconds=seconds,
            limit=limit,
            verbose=self.verbose,
        )

    @property
    def items_(self):
        return list(self._content.items)

    @property
    def n_vectors_(self):
        return self._content.n_vectors

    def _start(self, encoder, content=None) -> None:
        """Become an index of an encoder, or of the description of one, by default an empty one."""
        self.failed_items_ = []
        self._encoder = encoder
        self._neighbours: PartedNeighbours | None = None
        self._content = self._empty_content() if content is None else content
        self._n_named = 0
        self._home, self._root, self._own_root, self._saved_ids = None, None, None, {}
        self._saved_content = None

    def _empty_content(self) -> IndexContent | StoredContent:
        if self.store is None:
            return IndexContent()
        self._check_method()
        warn_of_unsaved(self, self._encoder)
        return StoredContent.started(self.store, self._describe_making())

    def _set_content(self, content: IndexContent | StoredContent) -> None:
        """Have other clips."""
        self._content, self._neighbours = content, None

    def _own(self, *names: str) -> dict:
        """Parameters that go to encoders that are given by name."""
        return {name: getattr(self, name) for name in names}

    def _resolve_encoder(self):
        return resolve_encoder(self.encoder, "audio", **self._own(*_LOCAL, *_FRAMING))

    def _resolve_partner(self, encoder, kind: str):
        """The unfitted encoder of queries, which may be the one that belongs to that of clips."""
        own = {**self._own(*_LOCAL), "on_error": "raise"}
        is_partner = isinstance(encoder, str) and encoder == PARTNER
        return resolve_partner(encoder, self._encoder_beside(is_partner), kind, **own)

    def _encoder_beside(self, is_partner: bool):
        """The encoder of clips, with what is known of its weights, for one of queries."""
        if isinstance(self._encoder, dict):
            # What the user passes may stand beside vectors of a class that is not known here.
            is_needed = is_partner or not takes_vectors(self.encoder)
            return outline(self._encoder) if is_needed else self.encoder
        return self.encoder if isinstance(self.encoder, str) else self._encoder

    def _fitted_encoder(self):
        """The encoder of clips, made from its description at the first need."""
        if isinstance(self._encoder, (dict, str)):
            own = self._own(*_LOCAL, *_FRAMING)
            width = self._content.width
            self._encoder = restore_fitted(self._encoder, expected_width=width, **own)
        return self._encoder

    def _replace_encoder(self) -> None:
        """Take the encoder that was passed to `load`, if it gives the same vectors."""
        described, encoder = self._encoder, self._resolve_encoder()
        self._encoder = fit_for_arrays(encoder, None)
        check_replacement(described, self._encoder, name_encoder(self.encoder))

    def _append(self, X, items) -> None:
        rows = list_rows(X)
        if not rows:
            raise ValueError("X is empty, expected at least one clip")
        self._carry_out(X, rows, self._plan(rows, items))

    def _plan(self, rows: list, items, *, by_name: bool = False) -> Plan:
        if items is None and self._content.store is not None:
            self._n_named = max(self._n_named, self._content.n_named)
        names = list_names(rows, items, first_number=self._n_named)
        return Planner(self._content).plan(rows, names, named=items is not None, by_name=by_name)

    def _carry_out(self, X, rows: list, plan: Plan) -> list:
        """Embed what is to be embedded, then change the index; return names of what failed."""
        part, failed = self._embed_jobs(X, rows, plan.jobs) if plan.jobs else (None, [])
        self._n_named += len(rows)
        content = self._content
        kept = {number: (content.items[number], s) for number, s in plan.unchanged.items()}
        kept = {number: new for number, new in kept.items() if new[1] != content.sources[number]}
        gone = {*plan.missing, *(job.replaces for job in plan.jobs)} - {None}
        self._set_content(content.changed({**kept, **plan.moved}, gone, part))
        self._list_failed(failed)
        return failed

    def _embed_jobs(self, X, rows: list, jobs: list[Job]):
        """The part that the index grows by, or None, and the names of clips that failed."""
        if len(self._content) and self._content.is_framed != (self.mode == "frame"):
            raise ValueError(
                f"mode={self.mode!r} came after the index was built with the other one"
            )
        encoder, clips = self._fitted_encoder(), pick(X, rows, [job.row for job in jobs])
        note_columns(self, clips, reset=False)
        check = partial(self._check_width, what="X")
        return embed_part(encoder, clips, jobs, self.mode, check)

    def _drop(self, numbers: set[int]) -> None:
        """Remove clips, by their numbers."""
        self._set_content(self._content.changed({}, numbers))

    def _list_failed(self, now: list) -> None:
        """Note what failed, each once, and forget what failed before and did not now."""
        if not self.failed_items_ and not now:
            return
        good = set(self._content.items)
        before = [name for name in self.failed_items_ if name not in now and name not in good]
        self.failed_items_ = [*before, *dict.fromkeys(now)]

    def _check_width(self, vectors: np.ndarray, what: str) -> np.ndarray:
        if vectors.ndim != 2:
            raise ValueError(
                f"got vectors of shape {vectors.shape} for {what}, expected one vector each with "
                f"mode={self.mode!r}: give the encoder the mode of the index"
            )
        width = self._content.width
        if width is not None and vectors.shape[1] != width:
            raise ValueError(
                f"got vectors of dimension {vectors.shape[1]} for {what}, expected {width}, as in "
                "the index: use encoders of the same model, whose vectors share a space"
            )
        return vectors

    def _check_columns(self, query, by: str) -> None:
        """Refuse vectors whose columns stand in another order than those of the index."""
        named = by == "vector" and hasattr(self, "feature_names_in_")
        if named and takes_vectors(self._encoder):
            note_columns(self, query, reset=False)

    def _embed_as_units(self, queries: list, by: str) -> np.ndarray:
        """Unit vectors of queries (n_queries, width), float32."""
        try:
            vectors = self._embed_queries(queries, by)
        except UnreadableError as exc:
            raise type(exc)(f"Query: {str(exc).removesuffix(GO_ON)}") from exc
        return to_unit_queries(self._check_width(as_floats(vectors), "the query"))

    def _embed_queries(self, queries: list, by: str) -> np.ndarray:
        if by == "vector":
            return check_array(queries, input_name="query")
        if by == "audio":
            return embed_sounds(queries, self._fitted_encoder())
        if by == "text":
            resolve = partial(self._resolve_partner, kind="text")
            return embed_words(queries, self.text_encoder, self.prompts, resolve)
        encoder = self._resolve_partner(require_encoder(self.image_encoder, "image"), "image")
        return embed_as_array(fit_for_arrays(encoder, queries), queries)

    def _find(self, unit: np.ndarray, k: int, where) -> Hits:
        """The best vectors for unit vectors of queries."""
        content = self._content
        if content.store is not None:
            self._check_method()
            return content.search(unit, k, where, exact=self.method == "exact")
        chosen = None if where is None else choose_vectors(content, where, self._root)
        found = self._engine().search(unit, min(k, self.n_vectors_), chosen)
        return Hits.of_rows(*found, content)

    def _check_method(self) -> None:
        if self.method not in ("auto", "exact"):
            raise ValueError(
                f"method={self.method!r} is for vectors in memory and in folders: with "
                f"store={self.store!r} it must be 'auto' or 'exact'"
            )

    def _engine(self) -> PartedNeighbours:
        """What searches the vectors; its parts are made at the first need."""
        if self._neighbours is None or self._neighbours.method != self.method:
            if not self.n_vectors_:
                raise ValueError(EMPTY)
            self._neighbours = PartedNeighbours(self._content, self.method)
        return self._neighbours

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tell_of_input(tags, self)
        return tags

    def __len__(self):
        check_is_fitted(self, "_content")
        return len(self._content)

    def __getstate__(self):
        state = super().__getstate__()
        return state | {"_neighbours": None} if "_neighbours" in state else state
