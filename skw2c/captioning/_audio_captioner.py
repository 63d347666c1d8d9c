"""AudioCaptioner: sounds in, sentences that describe them out."""

from __future__ import annotations

import os
from numbers import Integral, Real

import joblib
import numpy as np
import torch
from sklearn import config_context
from sklearn.base import BaseEstimator, _fit_context
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ..exceptions import LeftOutWarning
from ..metrics import cider_d, tokenize_caption
from ..models import (
    CaptionDecoder,
    Captioning,
    choose_device,
    get_caption_decoder,
    pad_frames,
    search_captions,
)
from ..models._devices import device_beside
from ..system._docstrings import document_shared
from ..system._warning import warn_caller
from ..training import (
    CaptionBatches,
    CaptionedFrames,
    ClippedAdamW,
    Progress,
    Run,
    Schedule,
    SingleDevice,
)
from ..training._training_parameters import TRAINED
from ..transformers._encoders import resolve_encoder, tell_of_input
from ..validation._captions import list_captions
from ..validation._groups import number_groups
from ..validation._intervals import SECONDS
from ..validation._tables import check_frames, note_columns, take_columns
from ..weights import keep_in_memory
from ._vocabulary import decode_caption, encode_caption, learn_vocabulary


@document_shared(TRAINED)
class AudioCaptioner(BaseEstimator):
    """Learn to describe sounds in sentences.

    A transformer decoder [1]_ of one layer reads the vectors that a frozen encoder gives for
    each second of a clip, and writes a caption word by word: the captioning of Wu et al.
    [2]_. The encoder is not trained.

    Parameters
    ----------
    encoder : str or transformer, default="wav2clip"
        What makes vectors of frames of X: the name of a registered encoder (see
        :func:`~skw2c.register_encoder`), such as ``"wav2clip"`` or ``"mini"``; or
        ``"passthrough"``, where X holds the vectors. A transformer is cloned and fitted; wrap one
        that is trained already in :class:`~sklearn.frozen.FrozenEstimator`. Its parameters
        ``mode`` and ``tail`` are set to ``"frame"`` and that of the captioner, where it has them.

    d_model : int, default=256
        Width of the transformer, a multiple of ``n_heads``.

    n_heads : int, default=4
        Number of heads of attention.

    dim_feedforward : int, default=1024
        Width of the hidden layer of the transformer's feed-forward part.

    dropout : float, default=0.2
        Part of the activations that is dropped in training.

    n_layers : int, default=1
        Number of layers.

    max_length : int, default=22
        Maximum number of words of a caption. Longer ones are cut off for training.

    beam_size : int, default=1
        Number of captions that `predict` pursues at a time. 1 takes the most probable
        word each time.

    min_count : int, default=1
        Words that occur less often in the training captions are replaced by ``"<unk>"``, which
        is never predicted.

    max_epochs : shared
        As described in ``_training_parameters``.

    batch_size : int, default=32
        Captions in a step of training, and clips that are captioned at once, which does not
        influence their captions.

    learning_rate : float, default=5e-4
        Of AdamW.

    validation_fraction : float, default=0.1
        Part of the clips that is held out to measure the validation loss. Where this is
        less than one clip, the training loss stands in for it.

    early_stopping_patience : shared
        As described in ``_training_parameters``.

    frame_length : float, default=1.0
        Length of a frame in seconds.

    hop_length : float, default=1.0
        Time from the start of one frame to the next, in seconds.

    tail : {"pad", "drop"}, default="pad"
        What becomes of an incomplete last frame: padded with zeros, so that
        all of a clip counts, or dropped.

    device : str, default="auto"
        Where the networks run, see :class:`Wav2CLIPTransformer`. Under ``"openvino"``
        and ``"onnxruntime"`` the decoder runs in torch, on the CPU.

    n_jobs : int or None, default=None
        Threads that prefetch clips, see :class:`Wav2CLIPTransformer`.

    memory : str, Path, joblib.Memory or None, default=None
        Where to keep the vectors of clips, see :class:`Wav2CLIPTransformer`.

    on_error : {"raise", "nan"}, default="raise"
        What becomes of a clip that cannot be read, or whose vectors hold NaN. ``"raise"``
        stops with an error that names the row. ``"nan"`` leaves it out of the training with
        a :class:`~skw2c.exceptions.LeftOutWarning`; its prediction is None.

    random_state : int, RandomState instance or None, default=None
        Determines the first weights, the split, the order of the captions, and dropout.

    verbose : shared
        As described in ``_training_parameters``.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        The words that can be predicted and their numbers, after ``"<pad>"``, ``"<sos>"``,
        ``"<eos>"`` and ``"<unk>"``. Words of clips for validation are not among them, unless
        they occur in others too.

    encoder_ : transformer
        The fitted encoder.

    scaler_ : StandardScaler
        Scales each entry of the vectors to a mean of 0 and a variance of 1 over the frames that
        were trained on.

    weights_ : WeightsReference
        The trained decoder, as arrays.

    history_ : DataFrame
        One row per epoch: ``epoch``, ``training_loss`` and ``validation_loss`` (cross-entropy
        of a word, in nats), ``learning_rate``, ``seconds``.

    best_epoch_, n_iter_ : shared
        As described in ``_training_parameters``.

    n_features_in_ : int
        Number of columns of X in `fit`, where X was a table.

    feature_names_in_ : ndarray of shape ``(n_features_in_,)``
        Names of the columns of X in `fit`, where they are strings.

    See Also
    --------
    skw2c.metrics.caption_scores : Measures how good captions are.
    ZeroShotClassifier : Labels in place of sentences, without training.

    Notes
    -----
    ``device``, ``n_jobs``, ``memory``, ``on_error``, ``verbose``, ``frame_length`` and
    ``hop_length`` go to an encoder that is given by name; a transformer has its own.

    Captions are split into words by :func:`~skw2c.metrics.tokenize_caption`, so that what is
    predicted is in lower case, without punctuation. Each caption of a clip is an example of
    its own. The paper does not state the sizes of the decoder, nor its recipe; those here are
    common ones, and the norm of gradients is clipped to 1.

    Under ``beam_size`` > 1 the beam is ranked by the probability of the captions so far. Of
    those in it at the end, the one is taken with the largest logarithm of the probability,
    divided by the number of words and the end, since otherwise short ones would win.
    ``beam_size``, ``max_length`` and ``batch_size`` can be changed after `fit`.

    References
    ----------
    .. [1] A. Vaswani et al., "Attention is all you need", NeurIPS 2017, arXiv 1706.03762.
    .. [2] H.-H. Wu, P. Seetharaman, K. Kumar and J. P. Bello, "Wav2CLIP: Learning robust
       audio representations from CLIP", ICASSP 2022, arXiv 2110.11499.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import AudioCaptioner
    >>> frames = np.repeat(np.eye(2), 20, axis=0)[:, None]  # 40 clips of one frame
    >>> captions = ["A dog barks."] * 20 + ["Rain falls on a roof."] * 20
    >>> captioner = AudioCaptioner(
    ...     "passthrough",
    ...     d_model=16,
    ...     n_heads=2,
    ...     dim_feedforward=32,
    ...     learning_rate=0.01,
    ...     max_epochs=20,
    ...     random_state=0,
    ... )
    >>> captioner.fit(frames, captions).predict(frames[[0, -1]]).tolist()
    ['a dog barks', 'rain falls on a roof']
    """

    _parameter_constraints = {
        "encoder": [str, HasMethods(["fit", "transform"])],
        "d_model": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "dim_feedforward": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "max_length": [Interval(Integral, 1, None, closed="left")],
        "beam_size": [Interval(Integral, 1, None, closed="left")],
        "min_count": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "early_stopping_patience": [Interval(Integral, 1, None, closed="left"), None],
        "frame_length": [SECONDS],
        "hop_length": [SECONDS],
        "tail": [StrOptions({"pad", "drop"})],
        "device": [str],
        "n_jobs": [Integral, None],
        "memory": [str, os.PathLike, joblib.Memory, None],
        "on_error": [StrOptions({"raise", "nan"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        encoder="wav2clip",
        *,
        d_model=256,
        n_heads=4,
        dim_feedforward=1024,
        dropout=0.2,
        n_layers=1,
        max_length=22,
        beam_size=1,
        min_count=1,
        max_epochs=100,
        batch_size=32,
        learning_rate=5e-4,
        validation_fraction=0.1,
        early_stopping_patience=10,
        frame_length=1.0,
        hop_length=1.0,
        tail="pad",
        device="auto",
        n_jobs=None,
        memory=None,
        on_error="raise",
        random_state=None,
        verbose=False,
    ):
        self.encoder = encoder
        self.d_model = d_model
        self.n_heads = n_heads
        self.dim_feedforward = dim_feedforward
        self.dropout = dropout
        self.n_layers = n_layers
        self.max_length = max_length
        self.beam_size = beam_size
        self.min_count = min_count
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.early_stopping_patience = early_stopping_patience
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.tail = tail
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, captions, *, groups=None):
        """Learn to describe clips.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            Clips, as the encoder takes them. Under ``encoder="passthrough"`` their vectors: an
            array (n_clips, n_frames, width), or a list of arrays (n_frames, width).
        captions : list, tuple, Series or array of shape (n_clips,)
            For each clip a string, or a list of strings, which are examples of their own.
        groups : array-like of shape (n_clips,) or None, default=None
            What clips have in common, such as the recording that they were cut from. Clips of
            the same group are all trained on, or all held out for validation.

        Returns
        -------
        self : AudioCaptioner
            The fitted captioner.

        Raises
        ------
        TextError
            If a caption is not a string, or has no words.
        AudioError
            If a clip cannot be read and ``on_error="raise"``.
        ValueError
            If X and captions do not fit each other, vectors hold NaN and
            ``on_error="raise"``, ``n_heads`` does not divide ``d_model``, or ``min_count``
            leaves no word.
        FloatingPointError
            If the loss becomes NaN or infinite.

        Warns
        -----
        LeftOutWarning
            If clips were left out and ``on_error="nan"``.
        """
        if self.d_model % self.n_heads:
            raise ValueError(
                f"d_model={self.d_model} is not a multiple of n_heads={self.n_heads}: each head "
                "takes an equal part"
            )
        captions = list_captions(captions)
        check_consistent_length(X, captions)
        groups = number_groups(groups, len(captions))
        encoder = self._fit_encoder(X)
        frames = self._embed(encoder, X, None)
        rows = self._usable_rows(frames)
        groups = np.arange(len(captions)) if groups is None else groups
        self._train([frames[row] for row in rows], [captions[row] for row in rows], groups[rows])
        self.encoder_ = encoder
        note_columns(self, X, reset=True)
        take_columns(self, encoder)
        return self

    def predict(self, X):
        """Describe clips.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            Clips, as in `fit`.

        Returns
        -------
        ndarray of shape (n_clips,), object
            A string of words for each clip, in lower case and without punctuation; None for
            one that failed under ``on_error="nan"``.

        Raises
        ------
        AudioError
            If a clip cannot be read and ``on_error="raise"``.
        ValueError
            If the vectors have another width than those in `fit`, or hold NaN and
            ``on_error="raise"``.

        Warns
        -----
        FailedClipWarning
            If clips could not be read and ``on_error="nan"``.
        """
        check_is_fitted(self)
        self._validate_params()
        note_columns(self, X, reset=False)
        frames = self._embed(self.encoder_, X, self.scaler_.n_features_in_)
        captions = np.full(len(frames), None, dtype=object)
        # Clips of about the same length make one batch, so that there is little filling.
        readable = [row for row in range(len(frames)) if not np.isnan(frames[row]).any()]
        readable.sort(key=lambda row: len(frames[row]))
        for start in range(0, len(readable), self.batch_size):
            rows = readable[start : start + self.batch_size]
            captions[rows] = self._describe([frames[row] for row in rows])
        return captions

    def score(self, X, captions):
        """CIDEr-D of the predicted captions, see :func:`skw2c.metrics.cider_d`.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            Clips, as in `fit`.
        captions : list, tuple, Series or array of shape (n_clips,)
            The true captions: for each clip a string, or a list of strings.

        Returns
        -------
        float
            In [0, 10]. Clips that failed under ``on_error="nan"`` score 0. It depends on the
            other clips, so compare scores of the same ones.

        Warns
        -----
        UndefinedMetricWarning
            If there is a single clip, whose score is 0.
        """
        captions = list_captions(captions)
        return cider_d([caption or "" for caption in self.predict(X)], captions)

    @property
    def history_(self):
        """How training went, one row per epoch (DataFrame)."""
        import pandas as pd

        check_is_fitted(self, "_history")
        return pd.DataFrame(self._history)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tell_of_input(tags, self)
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def _fit_encoder(self, X):
        encoder = resolve_encoder(
            self.encoder,
            "audio",
            mode="frame",
            frame_length=self.frame_length,
            hop_length=self.hop_length,
            tail=self.tail,
            device=self.device,
            n_jobs=self.n_jobs,
            memory=self.memory,
            on_error=self.on_error,
            verbose=self.verbose,
        )
        return encoder.fit(X, None)

    def _embed(self, encoder, X, width: int | None) -> list[np.ndarray]:
        """Vectors (n_frames, width) of each clip; with NaN for those that failed."""
        with config_context(transform_output="default"):
            X = encoder.transform(X)
        if np.ndim(X[0]) != 2:
            raise ValueError(
                "the encoder must give vectors of frames, (n_frames, width) for each clip, "
                f"and those of the first clip have shape {np.shape(X[0])}"
            )
        return check_frames(X, width, True if self.on_error == "raise" else "allow-nan")

    def _usable_rows(self, frames: list[np.ndarray]) -> list[int]:
        """Rows of clips without NaN; one warning lists the others."""
        failed = [row for row, vectors in enumerate(frames) if np.isnan(vectors).any()]
        if len(failed) == len(frames):
            raise ValueError(
                f"There are no clips to train on: the vectors of all {len(frames)} hold NaN"
            )
        if failed:
            failures = [(row, None, "its vectors hold NaN") for row in failed]
            warn_caller(LeftOutWarning(failures, len(frames), "clip"))
        return [row for row in range(len(frames)) if row not in failed]

    def _train(
        self, frames: list[np.ndarray], captions: list[list[str]], groups: np.ndarray
    ) -> None:
        """Train a new decoder on clips and their captions, and keep what was learned."""
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        held_out = self._draw_validation(groups, seed)
        scaler = StandardScaler().fit(
            np.concatenate([own for row, own in enumerate(frames) if not held_out[row]])
        )
        clips = np.repeat(np.arange(len(frames)), [len(own) for own in captions])
        training, validation = np.flatnonzero(~held_out[clips]), np.flatnonzero(held_out[clips])
        words = [tokenize_caption(caption) for own in captions for caption in own]
        vocabulary = learn_vocabulary((words[row] for row in training), self.min_count)
        examples = CaptionedFrames(
            [scaler.transform(own) for own in frames],
            [encode_caption(own, vocabulary, self.max_length) for own in words],
            clips,
        )
        decoder = self._build(scaler.n_features_in_, len(vocabulary), seed)
        run = Run(
            Captioning(decoder),
            CaptionBatches(examples, training, validation, batch_size=self.batch_size, seed=seed),
            Schedule(
                self.max_epochs, ClippedAdamW(self.learning_rate), self.early_stopping_patience
            ),
            engine=SingleDevice(torch.device(self._device()), "32-true"),
            progress=Progress(self.verbose, self.max_epochs),
        )
        state = run.finish()
        self._history = state.history
        self.n_iter_, self.best_epoch_ = len(state.history), state.best_epoch
        self.scaler_, self.vocabulary_ = scaler, vocabulary
        self.weights_ = keep_in_memory(decoder.state_dict())

    def _draw_validation(self, groups: np.ndarray, seed: int) -> np.ndarray:
        """Which clips are held out; one group at least is trained on."""
        names = np.unique(groups)
        n_held_out = min(round(self.validation_fraction * len(names)), len(names) - 1)
        order = np.random.default_rng(seed).permutation(len(names))
        return np.isin(groups, names[order[:n_held_out]])

    def _build(self, n_features: int, n_words: int, seed: int) -> CaptionDecoder:
        """A decoder with its first weights."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            return CaptionDecoder(
                n_features,
                n_words,
                d_model=self.d_model,
                n_heads=self.n_heads,
                dim_feedforward=self.dim_feedforward,
                n_layers=self.n_layers,
                dropout=self.dropout,
            )

    def _describe(self, frames: list[np.ndarray]) -> list[str]:
        """A caption for each clip, all of which are computed at once."""
        decoder = get_caption_decoder(self.weights_, self._device())
        scaled = [self.scaler_.transform(own) for own in frames]
        found = search_captions(
            decoder,
            *pad_frames(scaled, decoder.to_words.weight),
            beam_size=self.beam_size,
            max_length=self.max_length,
        )
        names = list(self.vocabulary_)
        return [decode_caption(numbers, names) for numbers in found]

    def _device(self) -> str:
        return choose_device(device_beside(self.device))
