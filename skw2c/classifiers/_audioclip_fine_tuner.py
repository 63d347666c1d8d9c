"""AudioCLIPFineTuner: tune the audio encoder of AudioCLIP to the classes of a task."""

import os
from collections.abc import Mapping
from numbers import Real

import numpy as np
from scipy.special import softmax
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..distillation._sound_trainer import SoundTrainer
from ..distillation._training_data import Labelling
from ..distillation._training_record import to_plain
from ..models.audioclip import (
    ESResNeXtFBSP,
    TextTuning,
    build_audioclip,
    random_audioclip,
    read_logit_scales,
)
from ..system._docstrings import document_shared
from ..training import NesterovSGD, WaveformAugmentation
from ..training._training_parameters import TRAINED
from ..transformers._audioclip_transformer import AudioCLIPTransformer
from ..transformers._clip_text_encoder import CLIPTextEncoder
from ..transformers._encoders import resolve_encoder
from ..transformers._labels import embed_labels, is_table, look_up_labels, names_in_table
from ..transformers._rows import to_unit_length
from ..validation._tables import note_columns
from ..weights import WeightsReference, keep_in_memory, refer_to, write_safetensors
from ._class_numbers import number_classes, refuse_numbers
from ._class_scores import choose_classes, compare_two
from ._class_targets import read_classes
from ._classes import read_labels
from ._scored_classifier import ScoredClassifier

_MODEL = "RN50-quickgelu"
_LARGEST_SCALE = 100.0
_AUGMENTATION = WaveformAugmentation(padding="edge", shun_silence=True)


@document_shared(TRAINED)
class AudioCLIPFineTuner(ScoredClassifier, SoundTrainer):
    """Tune the audio encoder of AudioCLIP to the classes of a task, by their names.

    The fine-tuning of Guzhov et al. [1]_: the text encoder stays frozen and embeds the names of
    the classes; the audio encoder learns to bring each clip near the name of its class.
    Prediction is that of zero-shot classification.

    Parameters
    ----------
    weights : str, Path, WeightsReference or None, default="audioclip-full"
        The encoder to begin with, see :class:`AudioCLIPTransformer`.

    labels : sequence, dict or None, default=None
        What the classes in y mean. A dict names them, as in ``{0: "dog", 1: "rain"}``,
        which numbers need where ``text_encoder`` is not a table. None takes the classes as they
        stand. Meta-estimators that hand y on as numbers, such as voting and stacking, need a
        list of the classes in y, in sorted order.

    text_encoder : {"audioclip"}, transformer, or table, default="audioclip"
        What makes vectors of the names of the classes. ``"audioclip"`` is the text encoder
        in ``weights``. A transformer is cloned. A table holds vectors that are made
        already, such as a dict (label: vector), see :class:`ZeroShotClassifier`.

    clip_length, sampling_rate, max_epochs : shared
        As described in ``_training_parameters``.

    batch_size : int, default=64
        Clips in a step, of all devices together.

    learning_rate : float, default=5e-5
        Of stochastic gradient descent with Nesterov's momentum, in the first epoch.

    lr_decay : float, default=0.98
        What the learning rate is multiplied by after each epoch.

    momentum : float, default=0.9
        Of the gradients.

    weight_decay : float, default=5e-4
        How strongly weights are drawn to zero.

    early_stopping_patience : shared
        As described in ``_training_parameters``.

    validation_fraction : float, default=0.1
        Part of the clips that is held out to find the best epoch. (The authors took the
        fold that they tested on, so that their figures are a little too good.) With 0 the
        training loss stands in for it.
        Each class is split in the same way, and none is held out as a whole.

    augment : {"audioclip"}, callable or None, default="audioclip"
        How waveforms are augmented. ``"audioclip"`` is the paper's: time is scaled by a factor
        of up to 1.5, turned around in every second clip, and noise is added to every fourth.

    precision, devices, num_nodes, compile, checkpoint_dir, checkpoint_interval, resume : shared
        As described in ``_training_parameters``.

    n_jobs, on_error : shared
        As described in ``_training_parameters``.

    random_state : int, RandomState instance or None, default=None
        Determines the split, the order, the pieces and how they are varied, and the first
        weights of ``weights=None``.

    verbose : shared
        As described in ``_training_parameters``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.

    label_vectors_ : ndarray of shape (n_classes, n_outputs), float64
        Unit vectors of their names.

    scale_ : float
        What cosines are multiplied by before they become probabilities.

    weights_ : WeightsReference
        The tuned encoder. :class:`AudioCLIPTransformer` takes it as its ``weights``.

    history_ : DataFrame
        One row per epoch: ``epoch``, ``training_loss``, ``validation_loss``,
        ``learning_rate``, ``seconds``.

    best_epoch_, n_iter_, n_features_in_, feature_names_in_ : shared
        As described in ``_training_parameters``.

    See Also
    --------
    AudioCLIPTransformer : The encoder, frozen.
    ZeroShotClassifier : The same prediction without any training.

    Notes
    -----
    The defaults are the paper's. Its program has 1e-5 and a decay of 0.96 for UrbanSound8K.

    Files are decoded once, and kept in memory as float32 at 44.1 kHz, 10.6 MB a minute.

    References
    ----------
    .. [1] A. Guzhov, F. Raue, J. Hees and A. Dengel, "AudioCLIP: Extending CLIP to image,
       text and audio", ICASSP 2022, arXiv 2106.13043.

    Examples
    --------
    Real use needs a download, once:

    >>> from skw2c import AudioCLIPFineTuner
    >>> tuner = AudioCLIPFineTuner(checkpoint_dir="run")
    >>> tuner.fit(["bark.wav", "rain.wav"], ["dog", "rain"])  # doctest: +SKIP
    >>> tuner.predict(["unknown.wav"])  # doctest: +SKIP

    With an untrained network, and with vectors of the labels at hand:

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> sounds, y = rng.uniform(-0.5, 0.5, (6, 8820)), ["dog", "rain"] * 3
    >>> labels = {"dog": np.eye(1024)[0], "rain": np.eye(1024)[1]}
    >>> tuner = AudioCLIPFineTuner(
    ...     None,
    ...     text_encoder=labels,
    ...     clip_length=0.2,
    ...     max_epochs=1,
    ...     batch_size=2,
    ...     random_state=0,
    ...     verbose=False,
    ... )
    >>> tuner.fit(sounds, y).predict_proba(sounds).shape
    (6, 2)
    >>> tuner.history_["epoch"].tolist()
    [1]
    >>> axes = tuner.plot_history()
    >>> tuner.to_transformer().transform(sounds).shape
    (6, 1024)
    >>> tuner.save("tuned.safetensors")
    """

    _network_rate = ESResNeXtFBSP.sampling_rate

    _parameter_constraints = {
        **SoundTrainer._parameter_constraints,
        "weights": [str, os.PathLike, WeightsReference, None],
        "labels": [Mapping, "array-like", None],
        "text_encoder": [
            StrOptions({"audioclip"}),
            HasMethods(["fit", "transform"]),
            dict,
            "array-like",
        ],
        "lr_decay": [Interval(Real, 0, 1, closed="right")],
        "momentum": [Interval(Real, 0, 1, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        weights="audioclip-full",
        *,
        labels=None,
        text_encoder="audioclip",
        clip_length=5.0,
        sampling_rate=44100,
        max_epochs=50,
        batch_size=64,
        learning_rate=5e-5,
        lr_decay=0.98,
        momentum=0.9,
        weight_decay=5e-4,
        early_stopping_patience=None,
        validation_fraction=0.1,
        augment="audioclip",
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
        self.weights = weights
        self.labels = labels
        self.text_encoder = text_encoder
        self.clip_length = clip_length
        self.sampling_rate = sampling_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.lr_decay = lr_decay
        self.momentum = momentum
        self.weight_decay = weight_decay
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

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, groups=None):
        """Tune the encoder.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            Clips, as :class:`AudioCLIPTransformer` takes them.

        y : array-like of shape (n_clips,)
            The class of each clip, by its name, which `prettify_label` prepares for the text
            encoder.

        groups : array-like of shape (n_clips,) or None, default=None
            What clips have in common, such as the recording that they were cut from. Clips of
            the same group are all trained on, or all held out for validation.

        Returns
        -------
        self : AudioCLIPFineTuner
            The fitted classifier.

        Raises
        ------
        ValueError
            If X and y do not fit each other, there are fewer than two classes, numbers stand
            where names are needed, or the vectors of the names have another dimension than
            those of sounds.
        AudioError
            If a clip cannot be read and ``on_error="raise"``.
        WeightsError
            If the weights do not fit.
        FloatingPointError
            If the loss becomes NaN or infinite.

        Warns
        -----
        LeftOutWarning
            If clips were left out and ``on_error="nan"``.
        UserWarning
            If there is no clip of a class for validation, or ``batch_size`` is larger than the
            number of clips, or float samples look like
            integers that nobody scaled.
        """
        with self._all_or_nothing():
            self._piece_length()
            engine = self._choose_engine()
            items = self._list_clips(X)
            self.classes_, indicators, multilabel = read_classes(self, y, len(items))
            if multilabel:
                raise ValueError("y is an indicator matrix, expected one class per clip")
            words = self._name_classes()
            self._begin_with = self._refer_to_weights()
            self.label_vectors_ = self._embed_labels(words)
            self.scale_ = self._read_scale()
            targets = self.label_vectors_[indicators.argmax(axis=1)].astype(np.float32)
            clips = self._collect_clips(
                items, Labelling(targets, groups=groups, classes=indicators)
            )
            model, _ = self._train(clips, engine)
            self.weights_ = self._export(model)
        return self

    def predict(self, X):
        """Give each clip its class.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            Clips.

        Returns
        -------
        ndarray of shape (n_clips,)
        """
        return choose_classes(self._cosines(X), self.classes_)

    def predict_proba(self, X):
        """Estimate the probability of each class.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            Clips.

        Returns
        -------
        ndarray of shape (n_clips, n_classes), float64
        """
        cosines = self._cosines(X)
        return softmax(self.scale_ * cosines, axis=1)

    def decision_function(self, X):
        """Cosine of each clip with the name of each class.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            Clips.

        Returns
        -------
        ndarray of shape (n_clips, n_classes) or (n_clips,), float64
            For two classes that of the second less that of the first.
        """
        return compare_two(self._cosines(X))

    def to_transformer(self, **params):
        """Make the transformer that runs the tuned encoder.

        Parameters
        ----------
        **params
            Parameters of :class:`AudioCLIPTransformer`, such as ``mode="frame"``.

        Returns
        -------
        AudioCLIPTransformer
            Fitted. It carries the tuned weights.
        """
        return self._make_transformer(AudioCLIPTransformer, params)

    def save(self, path):
        """Write the tuned weights to a file, which appears complete or not at all.

        Parameters
        ----------
        path : str or Path
            Name that ends in ``.safetensors``, which ``AudioCLIPTransformer(weights=path)``
            reads.

        Raises
        ------
        ValueError
            If the name has another ending.
        OSError
            If the file cannot be written.
        """
        check_is_fitted(self, "weights_")
        path = os.fspath(path)
        if not path.endswith(".safetensors"):
            raise ValueError(f"got path={path!r}, expected a name that ends in '.safetensors'")
        classes = ", ".join(map(str, self.classes_))
        write_safetensors(path, self.weights_.read(), {"model": "AudioCLIP", "classes": classes})

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # on tables that are not sound
        return tags

    def _cosines(self, X) -> np.ndarray:
        check_is_fitted(self, "weights_")
        note_columns(self, X, reset=False)
        encoder = self.to_transformer(on_error=self.on_error, verbose=self.verbose)
        vectors = encoder.set_output(transform="default").transform(X)
        return to_unit_length(vectors.astype(np.float64)) @ self.label_vectors_.T

    def _refer_to_weights(self):
        if self.weights is None:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
            return WeightsReference(seed=int(seed))
        return refer_to(self.weights, "audioclip", progress=bool(self.verbose))

    def _name_classes(self) -> list:
        """What each class means: its text, or its name in a table."""
        classes, by_table = self.classes_.tolist(), is_table(self.text_encoder)
        if self.labels is not None:
            labels, words = read_labels(self.labels)
            meanings = dict(zip(number_classes(labels, self.classes_), words, strict=True))
            unknown = [label for label in classes if label not in meanings]
            if unknown:
                raise ValueError(f"y has {unknown[0]!r}, which labels does not have")
            classes = [meanings[label] for label in classes]
        elif by_table:
            number_classes(names_in_table(self.text_encoder), self.classes_)
        if not by_table:
            refuse_numbers(classes)
        return classes

    def _embed_labels(self, labels: list) -> np.ndarray:
        if is_table(self.text_encoder):
            order = None if self.labels is None else read_labels(self.labels)[1]
            return look_up_labels(labels, self.text_encoder, order)
        encoder = self.text_encoder
        if isinstance(encoder, str):
            encoder = CLIPTextEncoder(
                _MODEL, self._find_text_weights(), random_state=self.random_state
            )
        return embed_labels(labels, ["{}"], resolve_encoder(encoder, "text").fit(labels, None))

    def _find_text_weights(self) -> str | os.PathLike | None:
        """The weights as `CLIPTextEncoder` takes them."""
        if not isinstance(self.weights, WeightsReference):
            return self.weights
        if self.weights.in_memory is not None:
            raise ValueError(
                "Tuned weights do not include a text encoder: pass the text_encoder with which "
                f"they were tuned, such as CLIPTextEncoder({_MODEL!r}, 'audioclip-full')"
            )
        return self.weights.path or self.weights.name

    def _read_scale(self) -> float:
        """What the checkpoint multiplies cosines of sounds and texts by."""
        if self._begin_with.seed is not None:
            return _LARGEST_SCALE
        state = self._begin_with.read()
        if "logit_scale_at" not in state:
            return _LARGEST_SCALE  # with which AudioCLIP's own training began
        return read_logit_scales(state, self._begin_with.label)["audio_text"]

    def _build(self, clips):
        reference = self._begin_with
        if reference.seed is not None:
            encoder = random_audioclip(reference.seed)
        else:
            encoder = build_audioclip(reference.read(), reference.label)
        if encoder.n_outputs != clips.width:
            raise ValueError(
                f"got vectors of texts of dimension {clips.width}, expected {encoder.n_outputs} as "
                "those of sounds: take the text encoder and the weights of one model"
            )
        return TextTuning(encoder.requires_grad_(True), self.scale_)

    def _configuration(self):
        return {
            "lr_decay": to_plain(self.lr_decay),
            "momentum": to_plain(self.momentum),
            "weight_decay": to_plain(self.weight_decay),
            # None of untrained ones, which follow from the seed that the checkpoint holds.
            "weights": self._begin_with.sha256,
        }

    def _recipe(self):
        return NesterovSGD(self.learning_rate, self.lr_decay, self.momentum, self.weight_decay)

    def _augmentation(self):
        return _AUGMENTATION if self.augment == "audioclip" else self.augment

    def _export(self, model):
        return keep_in_memory(model.encoder_state())
