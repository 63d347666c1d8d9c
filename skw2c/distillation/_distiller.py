"""Distiller: train an audio encoder to predict a teacher's vectors of what is seen."""

import os
from contextlib import suppress
from numbers import Integral

import numpy as np
import torch
from sklearn import config_context
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.utils import check_array
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..exceptions import WeightsError
from ..models import (
    LOSSES,
    Distillation,
    build_student,
    get_frozen_student,
    restore_projection,
)
from ..system._atomic import open_atomically, write_atomically
from ..system._docstrings import document_shared
from ..system._warning import warn_caller
from ..training import AdamOnCosine, AdamOnPlateau, TrainingClips
from ..training._training_parameters import TRAINED
from ..transformers._taught_space import describe_space, read_space
from ..transformers._wav2clip_transformer import Wav2CLIPTransformer
from ..validation._intervals import PER_SECOND
from ..validation._tables import note_columns
from ..weights import keep_in_memory, refer_to, write_safetensors
from ._model_card import describe_training, write_card
from ._student_trainer import StudentTrainer
from ._teacher_targets import (
    compute_caption_targets,
    compute_targets,
    fit_teacher,
    frame_rate_of,
    teach_views,
)
from ._training_data import Labelling, collect_views
from ._training_record import describe_first, list_facts, name_of, to_plain
from ._views import Drawing


@document_shared(TRAINED)
class Distiller(ClassNamePrefixFeaturesOutMixin, TransformerMixin, StudentTrainer):
    """Train an audio encoder to predict a teacher's vectors of what is seen.

    The pre-training of Wav2CLIP [1]_: CLIP's image encoder stays frozen and embeds the frames
    of a video; an audio encoder learns to predict these vectors from the sound alone. No
    labels are needed. The result is an encoder like that of :class:`Wav2CLIPTransformer`, and
    the fitted distiller is itself a transformer.

    Parameters
    ----------
    loss : {"cx", "clip", "clip_i", "cosine", "direct"}, default="cx"
        ``"cx"`` is the cross projection loss of the paper: the sound is projected into the
        teacher's space, and the teacher's vector into the space of the encoder; each pair is
        compared by a contrastive loss with a scale of its own. ``"clip"`` compares the
        vectors as they are, which must have the same dimension. ``"clip_i"`` projects the teacher's
        vectors only; sounds then do not lie in the teacher's space (see `project`).
        ``"cosine"`` projects the sound, and asks for the direction of the teacher's vector
        itself, which suits a teacher that embeds the same sound. ``"direct"`` asks for it
        without a projection, of a module whose vectors have the teacher's dimension.

    teacher : transformer or None, default=None
        Turns ``y`` into vectors, such as :class:`CLIPVideoEncoder` or
        :class:`CLIPImageEncoder`. It is cloned, and gives a vector for each frame of a
        video. None means that ``y`` holds vectors. An encoder of sound, such as
        :class:`CLAPTransformer`, hears X itself; the student then shares its space, and keeps its
        words, see the Notes.

    encoder : str or torch.nn.Module, default="resnet18"
        What is trained. ``"resnet18"`` is the paper's, and ``"resnet34"`` a deeper one;
        ``"mobilenet"`` is a network of inverted bottlenecks for CPUs, with an eighth of its
        parameters. ``"mn01"``, ``"mn02"``, ``"mn04"``, ``"mn05"``, ``"mn10"`` and ``"mn20"`` are
        those of :class:`EfficientATTransformer`, from random weights: they hear 32 kHz. A module
        turns waveforms (batch, n_samples) into vectors (batch, n_features), for pieces of
        ``clip_length`` and for whole clips of a second or more; it is copied, with its weights.
        It hears 16 kHz, or what its attribute ``sampling_rate`` says. On several devices every
        parameter must have a part in the result.

    encoder_width : int, default=64
        Channels of the first stage of a residual network; the dimension of its vectors
        is eight times that. For ``"mobilenet"`` it scales all channels, and the dimension is
        twelve times that. A smaller width learns and runs faster. The names of the others state
        their widths.

    clip_length : float, default=5.0
        Seconds of sound in each example. A random piece of each clip is drawn in each
        epoch, and goes with the mean of the teacher's vectors of the same seconds. A
        shorter clip is repeated until it has this length, as in the VGGSound baseline.

    sampling_rate : shared
        As described in ``_training_parameters``.

    n_views : int or None, default=None
        How many pieces of each clip a teacher of sound hears as the student does: cut to
        ``clip_length`` and augmented, on the CPU [3]_. They are drawn once, before training, so
        that the teacher's vector of each is computed once, and an epoch goes through all of
        them. None: the teacher hears whole clips as they are; pieces are drawn and augmented
        anew in each epoch, and each is to have the vector of its clip, which makes the student
        indifferent to the augmentation. That suits clips hardly longer than ``clip_length``.

    frame_rate : float, default=30.0
        Rate in Hz of the vectors in ``y``, where there are several for a clip. A teacher
        with an attribute ``fps`` states its own.

    max_epochs : shared
        As described in ``_training_parameters``.

    batch_size : int, default=128
        Clips in a step, of all devices together: each is contrasted with all others.

    learning_rate : float, default=1e-3
        Of Adam, at the start.

    lr_patience : int, default=5
        The learning rate falls to a tenth after more than this many epochs without a lower
        validation loss (by a ten-thousandth at least), down to 1e-6.

    lr_schedule : {"plateau", "cosine"}, default="plateau"
        ``"plateau"`` follows ``lr_patience``. Under ``"cosine"`` the learning rate falls
        from epoch to epoch as half a wave of the cosine, to nothing after ``max_epochs``,
        which suits a number of epochs that is known to be small.

    early_stopping_patience : shared
        As described in ``_training_parameters``.

    validation_fraction : float, default=0.1
        Part of the clips that is held out to measure the validation loss. With 0, or
        with fewer than two clips, the training loss stands in for it.

    augment : {"audioclip"}, callable or None, default=None
        How waveforms are augmented. ``"audioclip"`` is
        :class:`~skw2c.training.WaveformAugmentation`. A callable takes waveforms (batch,
        n_samples) and a `torch.Generator`, both on the device, and gives waveforms.

    precision, devices, num_nodes, compile, checkpoint_dir, checkpoint_interval, resume : shared
        As described in ``_training_parameters``.

    n_jobs : shared
        As described in ``_training_parameters``.

    on_error : {"raise", "nan"}, default="raise"
        What becomes of a clip that cannot be read, or whose vector is NaN. ``"raise"``
        stops with an error that names the row. ``"nan"`` leaves it out of the training and
        issues one :class:`~skw2c.exceptions.LeftOutWarning`; in `transform` it is a row
        of NaN.

    random_state : int, RandomState instance or None, default=None
        Determines the first weights, the split, the order, the pieces and all else that is
        drawn.

    verbose : shared
        As described in ``_training_parameters``.

    Attributes
    ----------
    weights_ : WeightsReference
        The trained weights. `Wav2CLIPTransformer` takes them as its ``weights``.

    history_ : DataFrame
        One row per epoch: ``epoch``, ``training_loss``, ``validation_loss``,
        ``learning_rate``, the learned scales of the losses, ``seconds``.

    best_epoch_, n_iter_ : shared
        As described in ``_training_parameters``.

    teacher_ : transformer
        The fitted teacher, where there is one.

    n_features_in_, feature_names_in_ : shared
        As described in ``_training_parameters``.

    See Also
    --------
    Wav2CLIPTransformer : Runs the trained encoder, for clips and for frames.
    CLIPVideoEncoder : The teacher of Wav2CLIP.

    Notes
    -----
    Optimisation is that of the published program: Adam, the learning rate lowered on
    plateaus of the validation loss, early stopping. Every batch of an epoch has the same
    size, at most ``batch_size``; the few clips that this leaves over are others in each
    epoch. All that is drawn depends on ``random_state``, the epoch and the step alone, so
    that a run that was killed and goes on ends, on a CPU, with the weights of one that was
    not.

    Where the loss becomes NaN or infinite, the run ends with an error that names the best epoch
    so far, which stays in ``checkpoint_dir``. The same fit with ``max_epochs`` of that epoch
    gives its weights, without more training; with another ``learning_rate``, ``precision`` or
    ``max_epochs``, it goes on from that epoch, with a new optimizer.

    A small student of a large encoder of sound, as in tinyCLAP [2]_::

        student = Distiller(loss="cosine", teacher=CLAPTransformer(), encoder="mn04")
        student.fit(files).save("small.safetensors")
        ZeroShotClassifier(labels, encoder=Wav2CLIPTransformer("small.safetensors"))

    The weights say which space they are in and which weights hold its words, so that
    :class:`ZeroShotClassifier` and :class:`AudioIndex` find the encoder of texts.

    Files are decoded once, and kept in memory as float32 at the rate of the encoder: 3.8 MB a
    minute at 16 kHz, and 7.7 MB at 32 kHz. More than fits is trained on from shards, see
    :class:`ClipShards`.

    On several devices every clip is contrasted with those of all devices. Batch
    normalisation is synchronised on GPUs, not on CPUs.

    References
    ----------
    .. [1] H.-H. Wu, P. Seetharaman, K. Kumar and J. P. Bello, "Wav2CLIP: Learning robust
       audio representations from CLIP", ICASSP 2022, arXiv 2110.11499.

    .. [2] F. Paissan and E. Farella, "tinyCLAP: Distilling contrastive language-audio pretrained
       models", 2023, arXiv 2311.14517.

    .. [3] H. Dinkel, Y. Wang, Z. Yan, J. Zhang and Y. Wang, "CED: Consistent ensemble
       distillation for audio tagging", ICASSP 2024, arXiv 2308.11957.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import Distiller
    >>> rng = np.random.default_rng(0)
    >>> sounds, seen = rng.normal(size=(20, 16000)), rng.normal(size=(20, 32))
    >>> distiller = Distiller(
    ...     encoder_width=4,
    ...     clip_length=0.5,
    ...     batch_size=9,
    ...     max_epochs=2,
    ...     random_state=0,
    ...     verbose=False,
    ... )
    >>> distiller.fit(sounds, seen).transform(sounds).shape
    (20, 32)
    >>> distiller.history_["epoch"].tolist()
    [1, 2]
    >>> axes = distiller.plot_history()

    The encoder in a space of its own, and the teacher's vectors in the same space:

    >>> encoder = distiller.to_transformer(output="encoder")
    >>> encoder.transform(sounds).shape, distiller.project(seen).shape
    ((20, 32), (20, 32))

    Weights on disk:

    >>> path = distiller.save("encoder.safetensors", data="noise", licence="CC0-1.0")
    >>> again = Distiller().load_weights("encoder.safetensors")
    >>> bool((again.transform(sounds) == distiller.transform(sounds)).all())
    True
    """

    _parameter_constraints = {
        **StudentTrainer._parameter_constraints,
        "loss": [StrOptions(set(LOSSES))],
        "teacher": [HasMethods(["fit", "transform"]), None],
        "n_views": [Interval(Integral, 1, None, closed="left"), None],
        "frame_rate": [PER_SECOND],
        "lr_schedule": [StrOptions({"plateau", "cosine"})],
    }

    def __init__(
        self,
        *,
        loss="cx",
        teacher=None,
        encoder="resnet18",
        encoder_width=64,
        clip_length=5.0,
        sampling_rate=16000,
        n_views=None,
        frame_rate=30.0,
        max_epochs=100,
        batch_size=128,
        learning_rate=1e-3,
        lr_patience=5,
        lr_schedule="plateau",
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
        self.loss = loss
        self.teacher = teacher
        self.encoder = encoder
        self.encoder_width = encoder_width
        self.clip_length = clip_length
        self.sampling_rate = sampling_rate
        self.n_views = n_views
        self.frame_rate = frame_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.lr_patience = lr_patience
        self.lr_schedule = lr_schedule
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
    def fit(self, X, y=None, captions=None, *, groups=None):
        """Train the encoder.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array, tensor or ClipShards
            Clips, as :class:`Wav2CLIPTransformer` takes them; or :class:`ClipShards`, which
            hold the teacher's vectors too. A tensor (n_clips, n_samples) stays on its device.

        y : array-like or None, default=None
            Vectors (n_clips, width), or vectors of frames (n_clips, n_frames, width) with
            ``frame_rate``, or a list of such arrays; with a ``teacher`` what it turns into
            vectors, images or videos. None with a teacher means that it takes X: videos, whose
            frames are the targets of their sound, or sounds for a teacher that hears them.

        captions : array-like of shape (n_clips, width), sequence of str or None, default=None
            Vectors of captions in the teacher's space, which add a term to the loss; or the
            captions themselves, where the teacher is an encoder of CLIP.

        groups : array-like of shape (n_clips,) or None, default=None
            What clips have in common, such as the recording that they were cut from. Clips of
            the same group are all trained on, or all held out for validation.

        Returns
        -------
        self : Distiller
            The fitted distiller.

        Raises
        ------
        ValueError
            If X and y do not fit each other, y is constant, or the checkpoint is of another
            run.
        AudioError
            If a clip cannot be read and ``on_error="raise"``.
        ImageError, VideoError
            If the teacher cannot read what it is shown.
        FloatingPointError
            If the loss becomes NaN or infinite; the error names the best epoch so far, and how to
            get it.
        OptionalDependencyError
            If several devices are asked for without the extra ``train``.
        OSError
            If a checkpoint cannot be written.

        Warns
        -----
        LeftOutWarning
            If clips were left out and ``on_error="nan"``.
        UserWarning
            If there are no groups for validation, or ``batch_size`` is larger than the number of
            clips, or ``y`` looks like classes.
        """
        self._check_encoder()
        engine = self._choose_engine()
        clips, teacher = self._collect(X, y, captions, groups)
        model, state = self._train(clips, engine)
        if teacher is not None:
            self.teacher_ = teacher
        facts = list_facts(self, clips, state, teacher if clips.teacher is None else clips.teacher)
        # Under "clip_i" sounds stay in a space of their own.
        space = {} if teacher is None or self.loss == "clip_i" else describe_space(teacher)
        reference, widths = self._export(model, space)
        return self._adopt(reference, widths, {**facts, **space})

    def transform(self, X):
        """Embed clips with the trained encoder.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            Clips, see :class:`Wav2CLIPTransformer`.

        Returns
        -------
        ndarray of shape (n_clips, width), float32
            Vectors in the teacher's space.

        Raises
        ------
        AudioError
            If a clip cannot be read and ``on_error="raise"``.

        Warns
        -----
        FailedClipWarning
            If clips could not be read and ``on_error="nan"``.
        """
        check_is_fitted(self, "weights_")
        transformer = self.to_transformer(on_error=self.on_error, verbose=self.verbose)
        with config_context(transform_output="default"):
            return transformer.transform(X)

    def to_transformer(self, **params):
        """Make the transformer that runs the trained encoder.

        Parameters
        ----------
        **params
            Parameters of :class:`Wav2CLIPTransformer`, such as ``mode="frame"``.

        Returns
        -------
        Wav2CLIPTransformer
            Fitted. It carries the trained weights, also in pickles; one with
            ``weights=path`` after `save` carries the path alone.
        """
        return self._make_transformer(Wav2CLIPTransformer, params)

    def project(self, vectors):
        """Project the teacher's vectors into the space of ``output="encoder"``.

        Parameters
        ----------
        vectors : array-like of shape (n, width)
            Vectors of images or texts.

        Returns
        -------
        ndarray of shape (n, n_features), float32
            Comparable with ``to_transformer(output="encoder")``.

        Raises
        ------
        ValueError
            If the encoder was trained with ``loss="clip"``, ``"cosine"`` or ``"direct"``, which
            do not project them.
        """
        check_is_fitted(self, "weights_")
        projection = restore_projection("image_transform.", self.weights_.read())
        if projection is None:
            raise ValueError(
                "these weights include no projection of the teacher's vectors, which loss='clip', "
                "'cosine' and 'direct' do not train: compare the vectors with transform(X) directly"
            )
        vectors, width = (
            check_array(vectors, dtype=np.float64),
            projection.sequential[0].in_features,
        )
        if vectors.shape[1] != width:
            raise ValueError(
                f"got vectors of dimension {vectors.shape[1]}, expected {width} as the teacher's"
            )
        with torch.inference_mode():
            return projection(torch.from_numpy(vectors)).float().numpy()

    def save(self, path, *, format="safetensors", data=None, licence=None):
        """Write the trained weights to a file, which appears complete or not at all.

        Parameters
        ----------
        path : str or Path
            File to write, which ``Wav2CLIPTransformer(weights=path)`` reads. It ends in
            ``.safetensors``, or under ``format="wav2clip"`` in ``.pt``.

        format : {"safetensors", "wav2clip"}, default="safetensors"
            ``"safetensors"`` holds the weights and, as its metadata, how they came to be;
            the same is written as a model card, a page of Markdown beside the file
            (``encoder.md`` for ``encoder.safetensors``), which is replaced.
            ``"wav2clip"`` is the format of the official release, which the original program
            loads: a residual network of 18 layers and width 64, and vectors of dimension 512.
            It cannot name a space, and its vectors are taken for those of CLIP.

        data, licence : str or None, default=None
            What the encoder was trained on, and under what licence it may be used, for the
            model card.

        Raises
        ------
        ValueError
            If the file's name, the encoder or the space of the teacher does not fit the format.
        OSError
            If the file cannot be written.
        """
        check_is_fitted(self, "weights_")
        path = os.fspath(path)
        suffix = {"safetensors": ".safetensors", "wav2clip": ".pt"}.get(format)
        if suffix is None:
            raise ValueError(f"format={format!r} is neither 'safetensors' nor 'wav2clip'")
        if not path.endswith(suffix):
            raise ValueError(f"path={path!r}: under format={format!r} its name ends in {suffix!r}")
        if format == "wav2clip":
            self._check_original()
            with open_atomically(path) as file:
                torch.save(self.weights_.read(), file)
            return
        metadata = describe_training({"data": data, "licence": licence, **self._training})
        write_safetensors(path, self.weights_.read(), metadata)
        page = write_card(os.path.basename(path), metadata)
        write_atomically(path.removesuffix(suffix) + ".md", page.encode())

    def load_weights(self, path):
        """Become fitted with weights that `save` wrote.

        This is how an encoder of the user's own making is used again:
        ``Distiller(encoder=module).load_weights(path).to_transformer()``.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        self : Distiller

        Raises
        ------
        WeightsError
            If the file is damaged or does not fit ``encoder``.
        """
        encoder = None if isinstance(self.encoder, str) else self.encoder
        path = os.fspath(path)
        found = refer_to(path)
        reference = keep_in_memory(found.read(), encoder, found.metadata())
        try:
            widths = get_frozen_student(reference, "cpu").widths
        except (RuntimeError, WeightsError) as exc:
            raise WeightsError(f"{path!r} does not fit the encoder: {exc}") from exc
        self._forget()
        note_columns(self, None, reset=True)
        space = read_space(Wav2CLIPTransformer(reference))
        return self._adopt(reference, widths, {"read_from": os.path.basename(path), **space})

    def get_feature_names_out(self, input_features=None):
        """Names of the columns of the vectors: ``distiller0``, ``distiller1`` ...

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str
        """
        return super().get_feature_names_out(input_features)

    @property
    def _n_features_out(self):
        return self._widths["embedding"]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.teacher is None
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _collect(self, X, y, captions, groups):
        """Put together what is trained on, and the fitted teacher."""
        if self.n_views is not None:
            return self._collect_views(X, y, captions, groups)
        if isinstance(X, TrainingClips):
            if y is not None or captions is not None or groups is not None:
                raise ValueError(
                    "X has its own targets, captions and groups (clips of one video): leave y, "
                    "captions and groups out"
                )
            note_columns(self, None, reset=True)
            self._check_rate(X)
            return X, None
        if y is None and self.teacher is None:
            raise ValueError(
                "This Distiller estimator requires y to be passed, but the target y is None: the "
                "teacher's vectors of each clip; or, with a teacher, what it is shown"
            )
        items, teacher = self._list_clips(X), None
        targets = X if y is None else y
        if self.teacher is not None:
            rate = self.sampling_rate if y is None else None
            teacher, targets = compute_targets(self.teacher, targets, self.on_error, rate)
        labelling = Labelling(
            targets,
            frame_rate=frame_rate_of(teacher, self.frame_rate),
            texts=None if captions is None else compute_caption_targets(teacher, captions),
            groups=groups,
        )
        clips = self._collect_clips(items, labelling)
        if y is None and getattr(targets, "ndim", 0) == 2:
            self._warn_of_long(clips)
        return clips, teacher

    def _collect_views(self, X, y, captions, groups):
        """Draw the pieces that teacher and student hear, and let the teacher hear them."""
        if isinstance(X, TrainingClips) or self.teacher is None:
            raise ValueError(
                f"n_views={self.n_views} needs a teacher that hears X, and there is none: pass "
                "teacher, or n_views=None"
            )
        if y is not None or captions is not None:
            raise ValueError(
                f"n_views={self.n_views} is for a teacher that hears X: leave y and captions out, "
                "or pass n_views=None"
            )
        items = self._list_clips(X)
        teacher = fit_teacher(self.teacher, X, self.on_error, self.sampling_rate)
        # The same in all processes, and when the run is resumed.
        seed = self.random_state if isinstance(self.random_state, Integral) else 0
        drawing = Drawing(
            int(self.n_views), self._piece_length(), super()._augmentation(), int(seed)
        )
        views = collect_views(items, groups, self._reading(), drawing)
        teach_views(views, teacher, self._network_rate, self.verbose)
        return views, teacher

    def _warn_of_long(self, clips: TrainingClips) -> None:
        n_long = int((clips.n_samples > 2 * self._piece_length()).sum())
        if n_long:
            warn_caller(
                f"{n_long} of {len(clips.n_samples)} clips are more than twice as long as "
                f"clip_length={self.clip_length:g} seconds, and the teacher gives one vector for "
                "all of a clip: pass n_views=4, say, so that it hears the pieces that the student "
                "hears"
            )

    def _augmentation(self):
        return None if self.n_views is not None else super()._augmentation()  # views are already

    def _check_rate(self, clips: TrainingClips) -> None:
        if clips.sampling_rate not in (None, self._network_rate):
            raise ValueError(
                f"X holds sound at {clips.sampling_rate} Hz, and {name_of(self.encoder)} takes "
                f"{self._network_rate} Hz: write the shards at that rate, or choose another encoder"
            )

    def _build(self, clips):
        student, n_features = build_student(self.encoder, self.encoder_width)
        if self.loss in ("clip", "direct") and n_features != clips.width:
            raise ValueError(
                f"loss={self.loss!r} compares vectors as they are, but the encoder's have "
                f"dimension {n_features}, the teacher's {clips.width}: choose loss='cx', or an "
                f"encoder_width of {clips.width / 8:g}"
            )
        return Distillation(student, n_features, clips.width, self.loss, clips.has_texts)

    def _configuration(self):
        names = ["loss", "encoder_width", "lr_patience", "lr_schedule"]
        if self.n_views is not None:
            names.append("n_views")
        if self.lr_schedule == "cosine":
            names.append("max_epochs")  # on which the rate of each epoch depends
        parameters = {name: to_plain(getattr(self, name)) for name in names}
        return {**parameters, "encoder": describe_first(self.encoder)}

    def _recipe(self):
        if self.lr_schedule == "cosine":
            return AdamOnCosine(self.learning_rate, self.max_epochs)
        return AdamOnPlateau(self.learning_rate, self.lr_patience)

    def _export(self, model, space=None):
        """The weights as they are now, and the dimensions of their vectors."""
        encoder = None if isinstance(self.encoder, str) else self.encoder
        reference = keep_in_memory(model.encoder_state(), encoder, space)
        return reference, get_frozen_student(reference, "cpu").widths

    def _adopt(self, reference, widths, training):
        """Become fitted with these weights."""
        self.weights_, self._widths, self._training = reference, widths, training
        return self

    def _forget(self):
        super()._forget()
        with suppress(AttributeError):
            del self.teacher_

    def _check_original(self):
        """Refuse what the original program could not load."""
        width, n_outputs = self._widths["encoder"], self._widths["embedding"]
        if self.encoder != "resnet18" or (width, n_outputs) != (512, 512):
            raise ValueError(
                f"format='wav2clip' needs encoder='resnet18' with encoder_width=64 and vectors of "
                f"dimension 512; this is {name_of(self.encoder)} with vectors of dimension "
                f"{width}, projected to {n_outputs}: choose format='safetensors'"
            )
        space = Wav2CLIPTransformer(self.weights_).shared_space()
        if space != "clip":
            raise ValueError(
                f"format='wav2clip' cannot say that the vectors share the space {space!r} with "
                "those of the teacher, and they would be taken for those of CLIP: choose "
                "format='safetensors'"
            )
