"""YAMNetClassifier: sounds in, the classes of AudioSet that are heard out."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import get_tags
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from ..models.yamnet import audioset_classes
from ..transformers._yamnet_transformer import YAMNetTransformer
from ..validation._tables import stack_frames, take_columns
from ._class_numbers import number_classes
from ._class_scores import choose_classes, compare_two
from ._classes import read_labels, sort_labels
from ._scored_classifier import ScoredClassifier


class YAMNetClassifier(ScoredClassifier, BaseEstimator):
    """Classify sounds by the scores of YAMNet, without any training.

    The classes are the 521 of AudioSet [2]_ that YAMNet [1]_ was trained on, or some of
    them. ``fit`` finds the weights.

    Parameters
    ----------
    weights : str, Path, WeightsReference or None, default="yamnet"
        See :class:`YAMNetTransformer`.

    labels : sequence, dict or None, default=None
        The classes to choose from, by their names in AudioSet. A dict says which class of
        AudioSet a label of yours means, as in ``{"dog": "Bark", "rain": "Rain"}``. None
        takes all 521.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` judges each clip by the mean scores of its windows, ``"frame"`` each
        window.

    hop_length : float, default=0.48
        Time from the start of one window to the next, in seconds.

    tail : {"pad", "drop"}, default="pad"
        What to do with an incomplete last window, see :class:`YAMNetTransformer`.

    sampling_rate : int, default=16000
        Rate in Hz of clips that are arrays or tensors. Files state their own.

    batch_size : int, default=64
        Most windows that the network takes at once.

    device : str, default="auto"
        Where the network runs, see :class:`YAMNetTransformer`.

    n_jobs : int or None, default=None
        Threads that read clips ahead, see :class:`YAMNetTransformer`.

    memory : str, Path, joblib.Memory or None, default=None
        Where to keep the scores of clips, see :class:`YAMNetTransformer`.

    on_error : {"raise", "nan"}, default="raise"
        What to do with a clip that cannot be read. ``"raise"`` stops with an error that
        names row and file. ``"nan"`` goes on: such a clip has the label None (NaN where
        labels are numbers), and its scores are NaN.

    random_state : int, RandomState instance or None, default=None
        Determines the untrained network of ``weights=None``.

    verbose : bool or int, default=False
        Whether to show a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted as in all classifiers: not in the order of AudioSet. Or their
        numbers, where y in `fit` has these.

    transformer_ : YAMNetTransformer
        What computes the scores, of all classes in the order of AudioSet.

    n_features_in_ : int
        Number of columns of X in `fit`, where X was a table.

    feature_names_in_ : ndarray of shape ``(n_features_in_,)``
        Names of the columns of X in `fit`, where they are strings.

    See Also
    --------
    YAMNetTransformer : Embeddings, and scores as a table.
    ZeroShotClassifier : Classify sounds by words of your own.

    Notes
    -----
    X is a collection of clips, as :class:`Wav2CLIPTransformer` takes it.

    A sound can have many classes, and each score is between 0 and 1 by itself, so that
    there is no `predict_proba`. YAMNet's makers warn that scores are not calibrated from
    class to class. :class:`~sklearn.calibration.CalibratedClassifierCV` makes probabilities
    of them, from clips whose labels are known.

    Many meta-estimators, such as voting, stacking and bagging, hand y on as numbers: the
    positions of its classes in sorted order. They need ``labels``: the same as in y, in
    sorted order. The numbers are then ``classes_``.

    References
    ----------
    .. [1] M. Plakal and D. Ellis, "YAMNet", 2019, in the repository tensorflow/models,
       research/audioset/yamnet.
    .. [2] J. F. Gemmeke et al., "Audio Set: An ontology and human-labeled dataset for
       audio events", ICASSP 2017.

    Examples
    --------
    Real use needs a download, once:

    >>> from skw2c import YAMNetClassifier
    >>> classifier = YAMNetClassifier()
    >>> classifier.fit().predict(["a.wav", "b.wav"])  # doctest: +SKIP

    Without it the network knows nothing:

    >>> import numpy as np
    >>> labels = {"dog": "Bark", "rain": "Rain", "train": "Train"}
    >>> classifier = YAMNetClassifier(None, labels=labels, random_state=0).fit()
    >>> classifier.classes_
    array(['dog', 'rain', 'train'], dtype='<U5')
    >>> classifier.decision_function([np.zeros(16000)]).shape
    (1, 3)
    >>> classifier.predict_top([np.zeros(16000)], n_labels=2).columns.tolist()
    ['row', 'label', 'score']
    >>> classifier.frame_times(2)
    array([[0.   , 0.975],
           [0.48 , 1.455]])
    """

    _parameter_constraints = {
        "labels": [Mapping, "array-like", None],
        **{
            name: constraint
            for name, constraint in YAMNetTransformer._parameter_constraints.items()
            if name not in ("output", "normalize")
        },
    }

    def __init__(
        self,
        weights="yamnet",
        *,
        labels=None,
        mode="clip",
        hop_length=0.48,
        tail="pad",
        sampling_rate=16000,
        batch_size=64,
        device="auto",
        n_jobs=None,
        memory=None,
        on_error="raise",
        random_state=None,
        verbose=False,
    ):
        self.weights = weights
        self.labels = labels
        self.mode = mode
        self.hop_length = hop_length
        self.tail = tail
        self.sampling_rate = sampling_rate
        self.batch_size = batch_size
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X=None, y=None, sample_weight=None):
        """Find the weights and the classes; no clip is read.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or None, default=None
            Clips. May be None, since nothing is learned from them.
        y : array-like of shape (n_clips,) or None, default=None
            Nothing is learned from it: the classes are those of YAMNet, or the parameter
            ``labels``. Whole numbers must be labels, or the numbers of sorted labels.
        sample_weight : array-like of shape (n_clips,) or None, default=None
            Ignored, for nothing is learned from clips: it is there for meta-estimators that
            draw clips by weights.

        Returns
        -------
        self : YAMNetClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If labels are repeated or do not name a class, or y has numbers that are not labels.
        """
        if sample_weight is not None and X is not None:
            _check_sample_weight(sample_weight, X)
        classes, names = self._read_labels()
        classes = classes if y is None else number_classes(classes, y)
        classes, names = sort_labels(classes, names)
        order = {name: column for column, name in enumerate(audioset_classes())}
        self._columns = [order[name] for name in names]
        self.classes_ = np.array(classes)
        transformer = self._make_transformer().set_output(transform="default")
        self.transformer_ = transformer.fit(X)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                delattr(self, name)
        take_columns(self, self.transformer_)
        return self

    def predict(self, X):
        """Give each sound the label with the highest score.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            Clips.

        Returns
        -------
        ndarray
            Labels (n_clips,). In frame mode (n_clips, n_frames), or an object array of
            shape (n_clips,) where the numbers of frames differ.
        """
        return self._judge(X, self._choose)

    def decision_function(self, X):
        """Score of each label, between 0 and 1.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            Clips.

        Returns
        -------
        ndarray of shape (n_clips, n_classes) or (n_clips,)
            Scores, float32; for two classes that of the second less that of the first. In
            frame mode with a dimension n_frames after the first, or an object array of
            shape (n_clips,).
        """
        return self._judge(X, compare_two)

    @property
    def predict_proba(self):
        """There is none: it raises an AttributeError that says so, so that ``hasattr`` is False."""
        raise AttributeError(
            "YAMNetClassifier has no predict_proba, for a sound can have many classes, and the "
            "scores of YAMNet are not probabilities: take decision_function, or "
            "CalibratedClassifierCV(YAMNetClassifier(...)), which makes probabilities of them. "
            "VotingClassifier works with voting='hard'"
        )

    def predict_top(self, X, n_labels=5):
        """Say which labels have the highest scores.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            Clips.
        n_labels : int, default=5
            How many of them.

        Returns
        -------
        DataFrame
            ``n_labels`` rows for each clip, the best first: ``row`` (index of the clip),
            ``label`` and ``score``. In frame mode for each window, with ``onset`` and
            ``offset`` (seconds from the start of the clip, and no later than its end).
            Clips that could not be read have none.
        """
        import pandas as pd

        check_is_fitted(self)
        if not 1 <= n_labels <= len(self.classes_):
            raise ValueError(
                f"got n_labels={n_labels!r}, expected 1 to {len(self.classes_)}, the number of "
                "labels"
            )
        rows = []
        for row, (scores, times) in enumerate(self._scores_with_times(X)):
            for frame in np.flatnonzero(~np.isnan(scores).any(axis=1)):
                for column in np.argsort(-scores[frame], kind="stable")[:n_labels]:
                    label, score = self.classes_[column], scores[frame, column]
                    rows.append((row, label, *times[frame], score))
        table = pd.DataFrame(rows, columns=["row", "label", "onset", "offset", "score"])
        return table.drop(columns=["onset", "offset"]) if self._mode == "clip" else table

    def _to_compare(self, y):
        if self._mode == "frame":
            raise ValueError(
                "A label for each clip cannot be compared with labels of frames: score with "
                "mode='clip'"
            )
        return y

    def frame_times(self, n_frames):
        """Start and end of the first windows of a clip, in frame mode.

        Parameters
        ----------
        n_frames : int
            Number of windows.

        Returns
        -------
        ndarray of shape (n_frames, 2), float64
            Seconds from the start of the clip.
        """
        check_is_fitted(self)
        return self.transformer_.frame_times(n_frames)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.classifier_tags.poor_score = True
        tags.input_tags = get_tags(self._make_transformer()).input_tags
        return tags

    @property
    def _mode(self) -> str:
        return self.transformer_.mode

    def _make_transformer(self) -> YAMNetTransformer:
        parameters = self.get_params(deep=False)
        parameters.pop("labels")
        return YAMNetTransformer(**parameters, output="scores")

    def _read_labels(self) -> tuple[list, list]:
        """The labels, and the classes of AudioSet that they mean."""
        if self.labels is None:
            return list(audioset_classes()), list(audioset_classes())
        classes, names = read_labels(self.labels)
        for name in names:
            if name not in audioset_classes():
                raise ValueError(
                    f"labels contains {name!r}, which is not a class of YAMNet. Similar ones are "
                    f"{_list_near(name)}; skw2c.models.yamnet.audioset_classes() lists all."
                )
            if names.count(name) > 1:
                raise ValueError(f"several labels stand for {name!r}: keep one of them")
        return classes, names

    def _scores(self, X) -> list[np.ndarray]:
        """Scores (n_frames, n_classes) of each clip."""
        check_is_fitted(self)
        scores = self.transformer_.transform(X)
        frames = scores[:, None] if self._mode == "clip" else scores
        return [clip[:, self._columns] for clip in frames]

    def _scores_with_times(self, X) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Scores (n_frames, n_classes) of each clip, and start and end of its frames."""
        if self._mode == "clip":
            for scores in self._scores(X):
                yield scores, np.zeros((1, 2))
            return
        frames = zip(*self.transformer_.embed_with_durations(X), strict=True)
        for scores, duration in frames:
            times = self.transformer_.frame_times(len(scores))
            yield scores[:, self._columns], np.clip(times, 0, duration)

    def _judge(self, X, judge):
        """Apply ``judge`` to the scores (n, n_classes) of all clips or of each clip's frames."""
        scores = self._scores(X)
        if self._mode == "frame":
            return stack_frames([judge(frames) for frames in scores])
        return judge(np.concatenate(scores))

    def _choose(self, scores: np.ndarray) -> np.ndarray:
        return choose_classes(scores, self.classes_)


def _list_near(name) -> str:
    by_small_letters = {known.lower(): known for known in audioset_classes()}
    near = difflib.get_close_matches(str(name).lower(), by_small_letters, cutoff=0.5)
    return ", ".join(repr(by_small_letters[known]) for known in near) or "none"
