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

from .._version import __version__
from ..exceptions import SavedIndexError, UnreadableError
from ..system._docstrings import document_shared
from ..system._warning import warn_caller
from ..transformers._encoders import (
    PARTNER,
    resolve_encoder,
    resolve_partner,
    takes_vectors,
    tell_of_input,
)
from ..transformers._rows import GO_ON
from ..transformers._shared_parameters import WITH_ENCODER
from ..validation._intervals import SECONDS
from ..validation._tables import note_columns, take_columns
from ._content import IndexContent
from ._folder import IndexPart, read_index, write_index
from ._listing import checked_file, is_current
from ._map import draw_map
from ._neighbours import FaissNeighbours, choose_engine
from ._new_part import as_floats, embed_part, pick
from ._queries import list_names, list_queries, list_rows
from ._query_vectors import embed_sounds, embed_words, require_encoder, to_unit_queries
from ._results import tabulate
from ._saved_encoders import (
    check_replacement,
    describe_parameters,
    outline,
    restore_fitted,
    restore_parameters,
    warn_of_unsaved,
)
from ._sources import Job, Plan, Planner, find_items

_KINDS = ("text", "audio", "image", "vector")
_LOCAL = ("device", "n_jobs", "memory", "on_error", "verbose")
_FRAMING = ("mode", "frame_length", "hop_length", "tail")


@document_shared(WITH_ENCODER)
class AudioIndex(BaseEstimator):
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

    method : {"auto", "exact", "faiss"}, default="auto"
        ``"exact"`` compares a query with all vectors, by scikit-learn. ``"faiss"`` (extra
        ``search``) compares it with those that are likely, and finds at least 95 % of
        what is right. ``"auto"`` is faiss for large indexes where it is installed.

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
        "method": [StrOptions({"auto", "exact", "faiss"})],
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
        encoder.fit(X, None)
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
            plan.missing = Planner(before, self._content.sources).missing(plan)
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

    def search(self, query, *, by="text", k=10):
        """Find the clips or windows that are nearest to a query.

        Parameters
        ----------
        query : str, Path, array, image, or a list of them
            One query or several.
        by : {"text", "audio", "image", "vector"}, default="text"
            What the query is. Vectors are (width,) or (n_queries, width), in an array, a
            list, a DataFrame (one query in each row) or a sparse matrix.
        k : int, default=10
            Number of results for each query; all, where there are fewer.

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
            index.
        """
        check_is_fitted(self, "_content")
        if by not in _KINDS:
            raise ValueError(f"by={by!r} must be one of {', '.join(map(repr, _KINDS))}")
        if not isinstance(k, Integral) or k < 1:
            raise ValueError(f"k={k!r} must be a whole number of at least 1")
        self._check_columns(query, by)
        queries = list_queries(query, by)
        unit = self._embed_as_units(queries, by)
        scores, rows = self._engine().search(unit, min(int(k), self.n_vectors_))
        return tabulate(queries, scores, rows, self._content)

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

    def save(self, folder):
        """Save the index into a folder, or what was added to the one it was loaded from.

        The folder holds arrays, JSON and the checksums of its files; nothing in it is
        pickled. The save counts as a whole or not at all.

        Parameters
        ----------
        folder : str or Path
            Made where it is missing.

        Returns
        -------
        self : AudioIndex
            The index.

        Raises
        ------
        SavedIndexError
            If the folder holds another index, or one that was changed since this one was
            loaded.
        """
        check_is_fitted(self, "_content")
        warn_of_unsaved(self, self._encoder)
        folder = _real(folder)
        parts = self._content.for_saving(keep_files=folder == self._home)
        engine = self._engine() if parts else None
        self._saved_ids[folder] = write_index(
            folder,
            self._describe(),
            parts,
            saved_id=self._saved_ids.get(folder),
            write_neighbours=engine.save if isinstance(engine, FaissNeighbours) else None,
        )
        self._content, self._home = IndexContent(parts), folder
        return self

    @classmethod
    def load(cls, folder, **parameters):
        """Load a saved index.

        Parameters
        ----------
        folder : str or Path
            What `save` was given.
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
        """
        folder = _real(folder)
        listed, parts = read_index(folder)
        try:
            index = cls(**{**restore_parameters(listed), **parameters})
        except (AttributeError, ArithmeticError, KeyError, TypeError, ValueError) as exc:
            if unknown := set(parameters) - set(cls().get_params(deep=False)):
                raise TypeError(f"AudioIndex does not have a parameter {min(unknown)!r}") from exc
            raise SavedIndexError(
                f"The saved index in {folder!r} is damaged: its encoders cannot be made "
                f"({type(exc).__name__}: {exc})"
            ) from exc
        index._start(listed["encoder"])
        index.failed_items_, index._n_named = listed["failed_items"], listed["n_named"]
        saved_mode = listed["parameters"]["mode"]
        index._validate_params()
        if index.mode != saved_mode:
            raise SavedIndexError(
                f"the index was built with mode={saved_mode!r}: pass that mode, or build a new "
                "index"
            )
        if "encoder" in parameters:
            index._replace_encoder()
        index._content, index._home = IndexContent(parts), folder
        index._saved_ids = {folder: listed["id"]}
        if listed["neighbours"] is not None and not index._load_neighbours(listed["neighbours"]):
            if not is_current(folder, listed["id"]):
                return cls.load(folder, **parameters)
            warn_caller(
                "The saved search structure of the index is missing or damaged, and is built again"
            )
        return index

    @property
    def items_(self):
        return list(self._content.items)

    @property
    def n_vectors_(self):
        return self._content.n_vectors

    def _start(self, encoder) -> None:
        """Become an empty index of an encoder, or of the description of one."""
        self.failed_items_ = []
        self._encoder, self._content, self._neighbours = encoder, IndexContent(), None
        self._n_named = 0
        self._home, self._saved_ids = None, {}

    def _own(self, *names: str) -> dict:
        """Parameters that go to encoders that are given by name."""
        return {name: getattr(self, name) for name in names}

    def _resolve_encoder(self):
        return resolve_encoder(self.encoder, "audio", **self._own(*_LOCAL, *_FRAMING))

    def _resolve_partner(self, encoder, kind: str):
        """The unfitted encoder of queries, which may be the one that belongs to that of clips."""
        described = encoder == PARTNER and isinstance(self._encoder, dict)
        of_clips = outline(self._encoder) if described else self.encoder
        own = {**self._own(*_LOCAL), "on_error": "raise"}
        return resolve_partner(encoder, of_clips, kind, **own)

    def _fitted_encoder(self):
        """The encoder of clips, made from its description at the first need."""
        if isinstance(self._encoder, (dict, str)):
            own = self._own(*_LOCAL, *_FRAMING)
            width = self._content.width
            self._encoder = restore_fitted(self._encoder, expected_width=width, **own)
        return self._encoder

    def _replace_encoder(self) -> None:
        """Take the encoder that was passed to `load`, if it gives the same vectors."""
        described, self._encoder = self._encoder, self._resolve_encoder()
        self._encoder.fit(None, None)
        check_replacement(described, self._encoder, repr(self.encoder))

    def _append(self, X, items) -> None:
        rows = list_rows(X)
        if not rows:
            raise ValueError("X is empty, expected at least one clip")
        self._carry_out(X, rows, self._plan(rows, items))

    def _plan(self, rows: list, items, *, by_name: bool = False) -> Plan:
        names = list_names(rows, items, first_number=self._n_named)
        planner = Planner(self._content.items, self._content.sources)
        return planner.plan(rows, names, named=items is not None, by_name=by_name)

    def _carry_out(self, X, rows: list, plan: Plan) -> list:
        """Embed what is to be embedded, then change the index; return names of what failed."""
        part, failed = self._embed_jobs(X, rows, plan.jobs) if plan.jobs else (None, [])
        self._n_named += len(rows)
        kept = {number: (self._content.items[number], s) for number, s in plan.unchanged.items()}
        known = self._content.sources
        kept = {number: new for number, new in kept.items() if new[1] != known[number]}
        self._content.set_sources({**kept, **plan.moved})
        self._drop({*plan.missing, *(job.replaces for job in plan.jobs)} - {None})
        if part is not None:
            self._grow(part)
        self._list_failed(failed)
        return failed

    def _embed_jobs(self, X, rows: list, jobs: list[Job]):
        """The part that the index grows by, or None, and the names of clips that failed."""
        if self._content.parts and self._content.is_framed != (self.mode == "frame"):
            raise ValueError(
                f"mode={self.mode!r} came after the index was built with the other one"
            )
        encoder, clips = self._fitted_encoder(), pick(X, rows, [job.row for job in jobs])
        note_columns(self, clips, reset=False)
        check = partial(self._check_width, what="X")
        return embed_part(encoder, clips, jobs, self.mode, check)

    def _drop(self, numbers: set[int]) -> None:
        """Remove clips, by their numbers."""
        if not numbers:
            return
        self._content, kept = self._content.without(numbers)
        engine, self._neighbours = self._neighbours, None
        if self.n_vectors_ and isinstance(engine, FaissNeighbours) and engine.takes(len(kept)):
            self._neighbours = engine.select(kept, self._content.vectors())

    def _list_failed(self, now: list) -> None:
        """Note what failed, each once, and forget what failed before and did not now."""
        good = set(self._content.items)
        before = [name for name in self.failed_items_ if name not in now and name not in good]
        self.failed_items_ = [*before, *dict.fromkeys(now)]

    def _grow(self, part: IndexPart) -> None:
        """Append a part, to the search structure too where it remains a good one."""
        self._content.append(part)
        engine, n_vectors = self._neighbours, self.n_vectors_
        fits = isinstance(engine, choose_engine(self.method, n_vectors))
        if fits and engine.takes(n_vectors):
            engine.add(part.vectors)
            self._content.share(engine.vectors)
        else:
            self._neighbours = None

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
        return encoder.fit(queries, None).transform(queries)

    def _engine(self):
        """What searches the vectors, made at the first need."""
        if self._neighbours is None:
            if not self.n_vectors_:
                raise ValueError(
                    "the index is empty: its clips could not be read, or were all removed"
                )
            make = choose_engine(self.method, self.n_vectors_)
            self._neighbours = make(self._content.vectors())
        return self._neighbours

    def _load_neighbours(self, entry: dict) -> bool:
        """Take what was saved to search with; False where that cannot be used."""
        if self.n_vectors_ and choose_engine(self.method, self.n_vectors_) is FaissNeighbours:
            try:
                path = checked_file(self._home, entry)
                self._neighbours = FaissNeighbours.load(path, self._content.vectors())
            except (ValueError, OSError):
                return False
        return True

    def _describe(self) -> dict:
        return {
            "created_by": f"skw2c {__version__}",
            "n_items": len(self._content.items),
            "n_vectors": self.n_vectors_,
            "failed_items": self.failed_items_,
            "n_named": self._n_named,
            **describe_parameters(self, self._encoder),
        }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tell_of_input(tags, self)
        return tags

    def __len__(self):
        check_is_fitted(self, "_content")
        return len(self._content.items)

    def __getstate__(self):
        state = super().__getstate__()
        # What faiss builds cannot be pickled, and is built again at the first search.
        return state | {"_neighbours": None} if "_neighbours" in state else state


def _real(folder) -> str:
    """The same name for a folder however it is reached."""
    return os.path.realpath(os.path.expanduser(os.fspath(folder)))
