"""SupervisedAudioClassifier: the encoder trained from scratch on a task's own labels."""

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import _fit_context
from sklearn.utils.validation import check_is_fitted

from ..distillation._student_trainer import StudentTrainer
from ..distillation._training_data import Labelling
from ..distillation._training_record import describe_first, to_plain
from ..models import Classification, build_student
from ..system._docstrings import document_shared
from ..training import AdamOnPlateau
from ..training._training_parameters import TRAINED
from ..transformers._wav2clip_transformer import Wav2CLIPTransformer
from ..validation._tables import note_columns
from ..weights import keep_in_memory
from ._class_scores import choose_classes, choose_sets, compare_two
from ._class_targets import read_classes
from ._scored_classifier import ScoredClassifier


@document_shared(TRAINED)
class SupervisedAudioClassifier(ScoredClassifier, StudentTrainer):
    """Train the encoder of Wav2CLIP from random weights on labelled clips.

    The row "Supervise" of the tables in Wu et al. [1]_: the same residual network on the
    same spectrogram, with a linear layer on top, learns one task from its labels alone. The
    comparison shows what pre-training is worth.

    Parameters
    ----------
    encoder : str or torch.nn.Module, default="resnet18"
        What is trained: ``"resnet18"``, which is the paper's, ``"resnet34"``, ``"mobilenet"``,
        ``"mn04"`` and the like, or a module that turns waveforms (batch, n_samples) into vectors
        (batch, n_features); see :class:`Distiller`.

    encoder_width : int, default=64
        Channels of the first stage of a residual network; for ``"mobilenet"`` it scales all
        channels. A smaller width learns and runs faster. The names of the others state their
        widths.

    clip_length, sampling_rate, max_epochs : shared
        As described in ``_training_parameters``.

    batch_size : int, default=64
        Clips in a step, of all devices together.

    learning_rate : float, default=1e-3
        Of Adam, at the start.

    lr_patience : int, default=5
        The learning rate falls to a tenth after more than this many epochs without a lower
        validation loss.

    early_stopping_patience : shared
        As described in ``_training_parameters``.

    validation_fraction : float, default=0.1
        Part of the clips that is held out to measure the validation loss. With 0 the
        training loss stands in for it.
        Each class is split in the same way, and none is held out as a whole.

    augment : {"audioclip"}, callable or None, default=None
        How waveforms are augmented, see :class:`Distiller`.

    precision, devices, num_nodes, compile, checkpoint_dir, checkpoint_interval, resume : shared
        As described in ``_training_parameters``.

    n_jobs, on_error : shared
        As described in ``_training_parameters``.

    random_state : int, RandomState instance or None, default=None
        Determines the first weights, the split, the order and the pieces.

    verbose : shared
        As described in ``_training_parameters``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes; where y was an indicator matrix, the names of its columns or their
        numbers.

    multilabel_ : bool
        Whether a clip may have any number of classes.

    weights_ : WeightsReference
        The trained encoder. :class:`Wav2CLIPTransformer` takes it as its ``weights``.

    coef_ : ndarray of shape (n_classes, n_features), float64
        Weights of the linear layer.

    intercept_ : ndarray of shape (n_classes,), float64
        Its biases.

    history_ : DataFrame
        One row per epoch: ``epoch``, ``training_loss``, ``validation_loss``,
        ``learning_rate``, ``seconds``.

    best_epoch_, n_iter_, n_features_in_, feature_names_in_ : shared
        As described in ``_training_parameters``.

    See Also
    --------
    Wav2CLIPTransformer : The encoder with weights that were trained before.
    Distiller : Trains the encoder without labels, with the same loop.

    Notes
    -----
    The paper states neither batch size nor learning rate of these runs; those of the
    Distiller are taken. Files are decoded once, and kept in memory as float32 at the rate
    of the encoder: 3.8 MB a minute at 16 kHz.

    References
    ----------
    .. [1] H.-H. Wu, P. Seetharaman, K. Kumar and J. P. Bello, "Wav2CLIP: Learning robust
       audio representations from CLIP", ICASSP 2022, arXiv 2110.11499.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import SupervisedAudioClassifier
    >>> rng = np.random.default_rng(0)
    >>> sounds, kinds = rng.normal(size=(20, 8000)), ["rain", "wind"] * 10
    >>> classifier = SupervisedAudioClassifier(
    ...     encoder_width=4,
    ...     clip_length=0.5,
    ...     max_epochs=2,
    ...     batch_size=8,
    ...     random_state=0,
    ...     verbose=False,
    ... )
    >>> classifier.fit(sounds, kinds).predict_proba(sounds).shape
    (20, 2)
    >>> classifier.history_["epoch"].tolist()
    [1, 2]
    >>> axes = classifier.plot_history()
    >>> classifier.to_transformer(output="encoder").transform(sounds).shape
    (20, 32)
    """

    def __init__(
        self,
        *,
        encoder="resnet18",
        encoder_width=64,
        clip_length=5.0,
        sampling_rate=16000,
        max_epochs=100,
        batch_size=64,
        learning_rate=1e-3,
        lr_patience=5,
        early_stopping_patience=10,
        validation_fraction=0.1,
        augment=None,
        precision="auto",
        devices="auto",
        num_nodes=1,
        compile=False,
        checkpoint_dir=None,
        checkpoint_interval=600.0,
        resume=True,
        n_jobs=None,
        on_error="raise",
        random_state=None,
        verbose=True,
    ):
        self.encoder = encoder
        self.encoder_width = encoder_width
        self.clip_length = clip_length
        self.sampling_rate = sampling_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.lr_patience = lr_patience
        self.early_stopping_patience = early_stopping_patience
        self.validation_fraction = validation_fraction
        self.augment = augment
        self.precision = precision
        self.devices = devices
        self.num_nodes = num_nodes
        self.compile = compile
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_interval = checkpoint_interval
        self.resume = resume
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, *, groups=None):
        """Train encoder and linear layer.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            Clips, as :class:`Wav2CLIPTransformer` takes them.

        y : array-like of shape (n_clips,) or (n_clips, n_classes)
            The class of each clip; or an indicator matrix or DataFrame of 0 and 1, where a
            clip may have any number of classes.

        groups : array-like of shape (n_clips,) or None, default=None
            What clips have in common, such as the recording that they were cut from. Clips of
            the same group are all trained on, or all held out for validation.

        Returns
        -------
        self : SupervisedAudioClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            If X and y do not fit each other, or there are fewer than two classes.
        AudioError
            If a clip cannot be read and ``on_error="raise"``.
        FloatingPointError
            If the loss becomes NaN or infinite.

        Warns
        -----
        LeftOutWarning
            If clips were left out and ``on_error="nan"``.
        UserWarning
            If there is no clip of a class for validation, or ``batch_size`` is larger than the
            number of clips.
        """
        with self._all_or_nothing():
            self._check_encoder()
            engine = self._choose_engine()
            items = self._list_clips(X)
            self.classes_, targets, self.multilabel_ = read_classes(self, y, len(items))
            clips = self._collect_clips(items, Labelling(targets, groups=groups, classes=targets))
            model, _ = self._train(clips, engine)
            self.weights_ = self._export(model)
            self.coef_, self.intercept_ = (values.numpy() for values in model.head())
        return self

    def predict(self, X):
        """Give each clip its class, or its classes.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            Clips.

        Returns
        -------
        ndarray
            Classes (n_clips,), or an indicator matrix (n_clips, n_classes) of 0 and 1. A clip
            that could not be read is NaN in the matrix, which then holds floats.
        """
        logits = self._logits(X)
        if self.multilabel_:
            return choose_sets(logits)
        return choose_classes(logits, self.classes_)

    def predict_proba(self, X):
        """Estimate the probability of each class.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            Clips.

        Returns
        -------
        ndarray of shape (n_clips, n_classes), float64
            Their sum over the classes is 1, unless a clip may have any number of them.
        """
        logits = self._logits(X)
        return expit(logits) if self.multilabel_ else softmax(logits, axis=1)

    def decision_function(self, X):
        """Compute the logit of each class.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            Clips.

        Returns
        -------
        ndarray of shape (n_clips, n_classes) or (n_clips,), float64
            For two classes that of the second less that of the first, unless a clip may have
            any number of them.
        """
        logits = self._logits(X)
        return logits if self.multilabel_ else compare_two(logits)

    def to_transformer(self, **params):
        """Make the transformer that gives the vectors before the linear layer.

        Parameters
        ----------
        **params
            Parameters of :class:`Wav2CLIPTransformer`, such as ``mode="frame"``.

        Returns
        -------
        Wav2CLIPTransformer
            Fitted, with ``output="encoder"``. It carries the trained weights.
        """
        return self._make_transformer(Wav2CLIPTransformer, {"output": "encoder", **params})

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.poor_score = True  # on tables that are not sound
        return tags

    def _logits(self, X) -> np.ndarray:
        check_is_fitted(self, "weights_")
        note_columns(self, X, reset=False)
        encoder = self.to_transformer(on_error=self.on_error, verbose=self.verbose)
        vectors = encoder.set_output(transform="default").transform(X)
        return vectors.astype(np.float64) @ self.coef_.T + self.intercept_

    def _build(self, clips):
        student, n_features = build_student(self.encoder, self.encoder_width)
        return Classification(student, n_features, len(self.classes_), self.multilabel_)

    def _configuration(self):
        return {
            "encoder": describe_first(self.encoder),
            "encoder_width": to_plain(self.encoder_width),
            "lr_patience": to_plain(self.lr_patience),
            "multilabel": self.multilabel_,
        }

    def _recipe(self):
        return AdamOnPlateau(self.learning_rate, self.lr_patience)

    def _export(self, model):
        encoder = None if isinstance(self.encoder, str) else self.encoder
        return keep_in_memory(model.encoder_state(), encoder)
