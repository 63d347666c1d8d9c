"""ZeroShotClassifier: sounds in, the labels whose words lie nearest out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral, Real

import joblib
import numpy as np
from scipy.special import expit, logsumexp
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
)

from ..system._docstrings import document_shared
from ..transformers._encoder_registry import thaw
from ..transformers._encoders import resolve_encoder, resolve_partner, tell_of_input
from ..transformers._frame_vectors import (
    embed_as_array,
    embed_frames,
    fit_for_arrays,
    frame_times_of,
)
from ..transformers._labels import (
    check_prompts,
    embed_labels,
    is_table,
    look_up_labels,
    names_in_table,
    refuse_prompts,
)
from ..transformers._rows import to_unit_length
from ..transformers._shared_parameters import WITH_ENCODER
from ..validation._intervals import SECONDS
from ..validation._tables import (
    note_columns,
    stack_frames,
    take_columns,
)
from ._class_numbers import number_classes, refuse_numbers
from ._class_scores import choose_classes, choose_sets, compare_two
from ._classes import (
    binarize,
    check_known,
    check_target,
    labels_of_sets,
    labels_of_target,
    read_labels,
    sort_labels,
)
from ._scored_classifier import ScoredClassifier

_OF_CLIP = 0.01


@document_shared(WITH_ENCODER)
class ZeroShotClassifier(ScoredClassifier, BaseEstimator):
    """Classify sounds by words, without any training.

    A sound gets the label whose text vector has the largest cosine with the vector of the
    sound. Both must lie in one space: that of CLIP [1]_ by default, into which Wav2CLIP
    [2]_ maps sounds.

    Parameters
    ----------
    labels : sequence, dict or None, default=None
        The labels to choose from: strings, or numbers. A dict says what labels mean in
        words, as in ``{0: "dog", 1: "rain"}``, which numbers need unless ``text_encoder`` is a
        table. None takes them from ``y`` in `fit`.

    encoder : str or transformer, default="wav2clip"
        What makes vectors of X: the name of a registered encoder (see
        :func:`~skw2c.register_encoder`), such as ``"wav2clip"``, ``"mini"`` or
        ``"audioclip"``; or ``"passthrough"``, where X holds vectors. A transformer is cloned and
        fitted; wrap one that is trained already in :class:`~sklearn.frozen.FrozenEstimator`.

    text_encoder : str, transformer, dict, DataFrame, (array, names) or array, default="auto"
        What makes vectors of labels. ``"auto"`` is the text encoder that shares the space of
        ``encoder``, and for ready vectors that of CLIP; another name is that of a registered text
        encoder, such as ``"clip"``. A transformer is
        cloned, and fitted on the prompts; wrap one that is trained already in
        :class:`~sklearn.frozen.FrozenEstimator`. A table holds ready vectors, and needs no
        CLIP: a dict (label to vector), a DataFrame of pandas (one row per label, named by its
        index), a pair of an array (n_names, width) and names, or an array in the order of
        ``labels``. A label is found in a table as it stands, or else as
        :func:`~skw2c.prettify_label` says it, whatever its capitals.

    prompts : str or sequence of str, default="auto"
        One template or many, with ``{}`` where the label stands, such as ``"the sound of
        {}"``. The vectors of several are scaled to unit length and averaged, as in CLIP.
        Labels are put in as :func:`~skw2c.prettify_label` says them. ``"auto"`` is what the
        encoder of texts suggests, ``"This is a sound of {}."`` for CLAP, or else ``"{}"``, the
        label alone.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` judges each clip as a whole, ``"frame"`` each of its windows.

    multilabel : bool, default=False
        Whether a sound may have any number of labels.

    threshold : float or None, default=None
        The cosine above which a sound has a label, if ``multilabel=True``. None: a sound
        has the labels whose probability, among all labels, is larger than if all were as
        likely.

    temperature : float or "auto", default="auto"
        What cosines are divided by to make probabilities. ``"auto"`` is what the encoder
        suggests, 0.03 for ``"mini"``, or else 0.01, that of CLIP.

    frame_length, hop_length, tail, device, n_jobs, memory : shared
        As described in ``_shared_parameters``.

    on_error : {"raise", "nan"}, default="raise"
        What to do with a clip that cannot be read. ``"raise"`` stops with an error that
        names row and file. ``"nan"`` goes on: such a clip has the label None (NaN where
        labels are numbers, and no label under ``multilabel=True``), and its scores and
        probabilities are NaN.

    verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels: sorted, but under ``multilabel=True`` in the order of ``labels``; or their
        numbers, where y in `fit` has these.

    label_vectors_ : ndarray of shape (n_classes, width), float64
        Their unit vectors.

    encoder_ : shared
        As described in ``_shared_parameters``.

    text_encoder_ : transformer or None
        The fitted text encoder; None for a table.

    n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    AudioIndex : Finds sounds by words.
    Wav2CLIPTransformer : The encoder of sounds.

    Notes
    -----
    ``device``, ``n_jobs``, ``memory``, ``on_error``, ``verbose``, ``frame_length`` and
    ``hop_length`` go to encoders that are given by name; a transformer has its own, and all
    else that it can be told, as in ``encoder=Wav2CLIPTransformer(sampling_rate=44100)``. Where
    a transformer has a parameter ``mode`` or, in frame mode, ``tail``, it is set to that of the
    classifier.

    Where labels are given, all of them are classes, also those that a part of the data does
    not have. A vector of zeros has the cosine 0 with all.

    Many meta-estimators, such as voting, stacking, bagging and
    :func:`~sklearn.model_selection.cross_val_predict` of probabilities, hand y on as numbers:
    the positions of its classes in sorted order. They need ``labels``: the same as in y, in
    sorted order, or a dict ``{0: ..., 1: ...}`` where y has such numbers itself. The numbers are
    then ``classes_``. Where it is not certain what a number means, `fit` raises an error, so
    that those which ask for one class at a time, such as
    :class:`~sklearn.multiclass.OneVsRestClassifier`, are refused for three labels and more: a
    classifier that chooses among all labels does not need them.

    Probabilities are a softmax of the cosines, and say which label fits best, not whether
    any does. Under ``multilabel=True`` they are a logistic function of the cosine's
    distance from the threshold.

    References
    ----------
    .. [1] A. Radford et al., "Learning transferable visual models from natural language
       supervision", ICML 2021, arXiv 2103.00020.
    .. [2] H.-H. Wu, P. Seetharaman, K. Kumar and J. P. Bello, "Wav2CLIP: Learning robust
       audio representations from CLIP", ICASSP 2022, arXiv 2110.11499.

    Examples
    --------
    Real use needs two downloads, once:

    >>> from skw2c import ZeroShotClassifier
    >>> classifier = ZeroShotClassifier(["dog", "rain", "church bells"])
    >>> classifier.fit().predict(["a.wav", "b.wav"])  # doctest: +SKIP

    With vectors at hand:

    >>> words = {"dog": [1.0, 0.0], "rain": [0.0, 1.0]}
    >>> classifier = ZeroShotClassifier(encoder="passthrough", text_encoder=words)
    >>> classifier.fit(y=["dog", "rain"]).predict([[0.9, 0.2], [0.1, 3.0]])
    array(['dog', 'rain'], dtype='<U4')

    Events, from the vectors of the windows of one clip:

    >>> windows = [[[0.9, 0.2], [0.8, 0.1], [0.1, 3.0]]]
    >>> classifier = classifier.set_params(mode="frame").fit(y=["dog", "rain"])
    >>> classifier.predict_events(windows).round(2)
       row label  onset  offset  score
    0    0   dog    0.0     2.0    1.0
    1    0  rain    2.0     3.0    1.0
    >>> classifier.frame_times(2)
    array([[0., 1.],
           [1., 2.]])
    """

    _parameter_constraints = {
        "labels": [Mapping, "array-like", None],
        "encoder": [str, HasMethods(["fit", "transform"])],
        "text_encoder": [str, HasMethods(["fit", "transform"]), Mapping, "array-like"],
        "prompts": [str, "array-like"],
        "mode": [StrOptions({"clip", "frame"})],
        "multilabel": ["boolean"],
        "threshold": [Real, None],
        "temperature": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
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
        labels=None,
        *,
        encoder="wav2clip",
        text_encoder="auto",
        prompts="auto",
        mode="clip",
        multilabel=False,
        threshold=None,
        temperature="auto",
        frame_length=1.0,
        hop_length=1.0,
        tail="pad",
        device="auto",
        n_jobs=None,
        memory=None,
        on_error="raise",
        verbose=False,
    ):
        self.labels = labels
        self.encoder = encoder
        self.text_encoder = text_encoder
        self.prompts = prompts
        self.mode = mode
        self.multilabel = multilabel
        self.threshold = threshold
        self.temperature = temperature
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.tail = tail
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X=None, y=None, sample_weight=None):
        """Learn the labels, not from sounds: make their vectors.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or None, default=None
            What the encoder takes. Frozen encoders learn nothing from it, and None
            will do.
        y : array-like of shape (n_clips,) or None, default=None
            The labels, if the parameter ``labels`` is None, each as often as it likes;
            otherwise it is only checked. Under ``multilabel=True`` also one collection of
            labels for each clip, or a DataFrame of 0 and 1 with the labels as names of its
            columns.
        sample_weight : array-like of shape (n_clips,) or None, default=None
            Ignored, for nothing is learned from clips: it is there for meta-estimators that
            draw clips by weights.

        Returns
        -------
        self : ZeroShotClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If labels are missing, are repeated, are said in the same way or mean the
            same vector, the table lacks one, y has others, or numbers stand where words are
            needed.
        """
        if X is not None and y is not None:
            check_consistent_length(X, y)
        if sample_weight is not None and X is not None:
            _check_sample_weight(sample_weight, X)
        classes, words = self._collect_labels(y)
        self._check_decision(classes)
        self.label_vectors_ = self._embed_labels(words)
        self._fit_encoder(X)
        self.classes_ = np.array(classes)
        return self

    def predict(self, X):
        """Give each sound its label.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            What the encoder takes.

        Returns
        -------
        ndarray
            Labels (n_clips,), or under ``multilabel=True`` an indicator matrix (n_clips,
            n_classes) of 0 and 1. A clip that could not be read has None, or NaN in the matrix,
            which then holds floats. In frame mode (n_clips, n_frames) or (n_clips,
            n_frames, n_classes), or an object array of shape (n_clips,) where the
            numbers of frames differ.
        """
        return self._judge(X, self._choose)

    def predict_proba(self, X):
        """Say how probable each label is.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            What the encoder takes.

        Returns
        -------
        ndarray of shape (n_clips, n_classes)
            Probabilities, float64. Their sum over the classes is 1, but under
            ``multilabel=True``. In frame mode (n_clips, n_frames, n_classes), or an
            object array of shape (n_clips,) where the numbers of frames differ.
        """
        return self._judge(X, self._probabilities)

    def decision_function(self, X):
        """Cosine of each sound with each label.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            What the encoder takes.

        Returns
        -------
        ndarray of shape (n_clips, n_classes) or (n_clips,)
            Cosines, float64; for two classes that of the second less that of the first,
            but under ``multilabel=True``. In frame mode with a dimension n_frames after
            the first, or an object array of shape (n_clips,).
        """
        return self._judge(X, self._decide)

    def _to_compare(self, y):
        if self.mode == "frame":
            raise ValueError(
                "A label for each clip cannot be compared with labels of frames: compare "
                "predict_events(X) with the events, or score with mode='clip'"
            )
        if not self.multilabel:
            return y
        classes = self.classes_.tolist()
        check_known(y, classes)
        return binarize(y, classes)

    def predict_events(self, X):
        """Say what is heard from when to when, in frame mode.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            What the encoder takes.

        Returns
        -------
        DataFrame
            One row for each run of windows with the same label: ``row`` (index of the
            clip), ``label``, ``onset`` and ``offset`` (seconds from the start of the
            clip; no event ends after its clip does, if it is not of vectors that are ready),
            and ``score``, the largest probability of the label in the run.
        """
        import pandas as pd

        if self.mode != "frame":
            raise ValueError(f"predict_events needs mode='frame', got mode={self.mode!r}")
        vectors, durations = self._embed_for_events(X)
        events = [
            (row, *event)
            for row, (frames, duration) in enumerate(zip(vectors, durations, strict=True))
            for event in self._events(self._compare(frames), duration)
        ]
        return pd.DataFrame(events, columns=["row", "label", "onset", "offset", "score"])

    def frame_times(self, n_frames, duration=None):
        """Start and end of the first windows of a clip, in frame mode.

        Parameters
        ----------
        n_frames : int
            Number of windows.
        duration : float or None, default=None
            How long the clip is, in seconds, for encoders whose last window ends with it.

        Returns
        -------
        ndarray of shape (n_frames, 2), float64
            Seconds from the start of the clip.
        """
        check_is_fitted(self)
        return frame_times_of(self.encoder_, n_frames, duration)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.labels is None
        tags.classifier_tags.poor_score = True
        tags.classifier_tags.multi_label = self.multilabel
        tell_of_input(tags, self)
        return tags

    def _collect_labels(self, y) -> tuple[list, list]:
        """The classes in their order, and the words for them."""
        if self.labels is not None:
            classes, words = read_labels(self.labels)
            if y is not None:
                classes = classes if self.multilabel else number_classes(classes, y)
                check_target(y, classes, self.multilabel)
        elif y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None: pass the labels, fit(y=[...]) or labels=[...]"
            )
        else:
            classes = labels_of_sets(y) if self.multilabel else labels_of_target(y)
            words = classes
            if is_table(self.text_encoder) and not self.multilabel:
                number_classes(names_in_table(self.text_encoder), y)
        if not is_table(self.text_encoder):
            refuse_numbers(words)
        in_order = self.multilabel and (self.labels is not None or hasattr(y, "columns"))
        return (classes, words) if in_order else sort_labels(classes, words)

    def _check_decision(self, classes: list) -> None:
        """Refuse what would never, or always, give a label."""
        if self.threshold is not None and not self.multilabel:
            raise ValueError(
                f"threshold={self.threshold!r} needs multilabel=True; otherwise each sound gets "
                "the "
                "best label"
            )
        if self.threshold is not None and not np.isfinite(self.threshold):
            raise ValueError(f"got threshold={self.threshold!r}, expected a finite number")
        if self.multilabel and self.threshold is None and len(classes) == 1:
            raise ValueError(
                f"{classes[0]!r} is the only label, so it cannot be compared with others: pass a "
                "threshold, or a second label for everything else"
            )

    def _fit_encoder(self, X) -> None:
        encoder = self._make_encoder(self.label_vectors_.shape[1])
        self.encoder_ = fit_for_arrays(encoder, X)
        note_columns(self, X, reset=True)
        take_columns(self, self.encoder_)

    def _make_encoder(self, width: int):
        return resolve_encoder(
            self.encoder,
            "audio",
            mode=self.mode,
            frame_length=self.frame_length,
            hop_length=self.hop_length,
            tail=self.tail,
            device=self.device,
            n_jobs=self.n_jobs,
            memory=self.memory,
            on_error=self.on_error,
            verbose=self.verbose,
            expected_width=width,
        )

    def _embed_labels(self, labels: list) -> np.ndarray:
        if is_table(self.text_encoder):
            if not self._takes_suggestion():
                refuse_prompts(self.prompts)
            self.text_encoder_ = None
            order = None if self.labels is None else read_labels(self.labels)[1]
            return look_up_labels(labels, self.text_encoder, order)
        self.text_encoder_ = resolve_partner(
            self.text_encoder, self.encoder, "text", device=self.device, verbose=self.verbose
        )
        templates = check_prompts(self._suggest_prompts() or self.prompts)
        self.text_encoder_.fit(templates, None)
        return embed_labels(labels, templates, self.text_encoder_)

    def _takes_suggestion(self) -> bool:
        return isinstance(self.prompts, str) and self.prompts == "auto"

    def _suggest_prompts(self):
        """What the encoder of texts wants labels to be put into, where the user leaves it to it."""
        if not self._takes_suggestion():
            return None
        encoder = thaw(self.text_encoder_)
        return encoder.suggest_prompts() if hasattr(encoder, "suggest_prompts") else "{}"

    def _judge(self, X, judge):
        """Apply ``judge`` to the cosines (n, n_classes) of all clips or of each clip's frames."""
        cosines = self._cosines_of_clips(X)
        if self.mode == "frame":
            return stack_frames([judge(frames) for frames in cosines])
        return judge(np.concatenate(cosines))

    def _cosines_of_clips(self, X) -> list[np.ndarray]:
        """Cosines (n_frames, n_classes) of each clip; all clips together in clip mode."""
        check_is_fitted(self)
        vectors = self._embed(X)
        return [self._compare(frames) for frames in vectors]

    def _embed(self, X) -> list[np.ndarray]:
        note_columns(self, X, reset=False)
        vectors = embed_as_array(self.encoder_, X)
        if self.mode == "clip":
            return [vectors.toarray() if hasattr(vectors, "toarray") else np.asarray(vectors)]
        return self._check_shape(vectors)

    def _embed_for_events(self, X) -> tuple[list[np.ndarray], np.ndarray]:
        """Vectors (n_frames, width) of each clip, and how many seconds it lasts."""
        check_is_fitted(self)
        note_columns(self, X, reset=False)
        vectors, durations = embed_frames(self.encoder_, X)
        return self._check_shape(vectors), durations

    def _check_shape(self, vectors) -> list[np.ndarray]:
        """Refuse vectors of whole clips, where those of frames are needed."""
        if np.ndim(vectors[0]) != 2:
            raise ValueError(
                f"got vectors of shape {np.shape(vectors[0])} for the first clip, expected "
                "(n_frames, width) with mode='frame'"
            )
        return list(vectors)

    def _compare(self, vectors: np.ndarray) -> np.ndarray:
        width = self.label_vectors_.shape[1]
        if vectors.ndim != 2 or vectors.shape[1] != width:
            raise ValueError(
                f"got vectors of shape {vectors.shape} for X, but label vectors of dimension "
                f"{width}: "
                "use the audio encoder and the text encoder of the same model, whose vectors share "
                "a space"
            )
        return to_unit_length(vectors.astype(np.float64)) @ self.label_vectors_.T

    def _choose(self, cosines: np.ndarray) -> np.ndarray:
        if self.multilabel:
            return choose_sets(self._margins(cosines))
        return choose_classes(cosines, self.classes_)

    def _probabilities(self, cosines: np.ndarray) -> np.ndarray:
        if self.multilabel:
            return expit(self._margins(cosines) / self._temperature())
        logits = self._logits(cosines)
        return np.exp(logits - logsumexp(logits, axis=1, keepdims=True))

    def _logits(self, cosines: np.ndarray) -> np.ndarray:
        """Cosines over the temperature, the largest of which is 0: small ones do not overflow."""
        with np.errstate(over="ignore"):  # then the probability is 0, as it should be
            return (cosines - cosines.max(axis=1, keepdims=True)) / self._temperature()

    def _decide(self, cosines: np.ndarray) -> np.ndarray:
        return cosines if self.multilabel else compare_two(cosines)

    def _temperature(self) -> float:
        if self.temperature != "auto":
            return self.temperature
        encoder = thaw(self.encoder_)
        own = encoder.suggest_temperature() if hasattr(encoder, "suggest_temperature") else None
        return _OF_CLIP if own is None else own

    def _margins(self, cosines: np.ndarray) -> np.ndarray:
        """How far each cosine lies above the threshold."""
        if self.threshold is not None:
            return cosines - self.threshold
        logits = self._logits(cosines)
        even = logsumexp(logits, axis=1, keepdims=True) - np.log(cosines.shape[1])
        return (logits - even) * self._temperature()

    def _events(self, cosines: np.ndarray, duration: float) -> list[tuple]:
        """Label, onset, offset and score of each run of windows with a label."""
        present = self._present(cosines)
        scores = self._probabilities(cosines)
        times = np.clip(self.frame_times(len(cosines), duration), 0, duration)
        events = []
        for column, label in enumerate(self.classes_.tolist()):
            edges = np.flatnonzero(np.diff(present[:, column], prepend=0, append=0))
            for start, stop in edges.reshape(-1, 2):
                score = scores[start:stop, column].max()
                events.append((label, times[start, 0], times[stop - 1, 1], score))
        return sorted(events, key=lambda event: event[1])

    def _present(self, cosines: np.ndarray) -> np.ndarray:
        """Which label each window has, (n_frames, n_classes) of 0 and 1."""
        if self.multilabel:
            return self._choose(cosines)
        best = cosines.argmax(axis=1)[:, None] == np.arange(cosines.shape[1])
        return (best & ~np.isnan(cosines)).astype(int)
