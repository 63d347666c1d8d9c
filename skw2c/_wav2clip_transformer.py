"""Wav2CLIPTransformer: clips in, a table of vectors out."""

import os
from numbers import Integral, Real

import joblib
import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from ._embedding import ClipEmbedder
from ._rows import to_unit_length
from ._store import VectorStore
from ._tables import check_container, note_columns, stack_frames
from .audio import list_clips, tensor_to_array
from .models import SHORTEST, Framing, FrozenWav2CLIP, get_frozen_wav2clip
from .weights import WeightsReference, refer_to

_RATE = FrozenWav2CLIP.sampling_rate


class Wav2CLIPTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Embed sound as vectors in the space of CLIP's pictures and texts.

    Each clip is decoded, mixed down to mono, resampled to 16 kHz and embedded by the
    frozen audio encoder of Wav2CLIP [1]_. ``fit`` finds the weights and trains nothing.

    Parameters
    ----------
    weights : str, Path, WeightsReference or None, default="wav2clip"
        ``"wav2clip"`` is the official release (CC BY 4.0), fetched once into the cache
        (the folder named by the environment variable ``SKW2C_CACHE``, or the platform's
        cache folder). A path reads a checkpoint in the official format, ``.pt`` or
        ``.safetensors``. What :class:`~skw2c.Distiller` trained is read from its files, or
        taken from its attribute ``weights_``. None draws an untrained encoder from
        ``random_state``.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` gives one vector per clip, ``"frame"`` one per window of
        ``frame_length`` seconds.

    output : {"clip", "encoder"}, default="clip"
        ``"clip"`` is the projected vector, comparable with CLIP's vectors of pictures and
        texts. ``"encoder"`` is the vector before the projection.

    frame_length : float, default=1.0
        Length of a window in seconds, in frame mode.

    hop_length : float, default=1.0
        Time from the start of one window to the next, in seconds.

    tail : {"drop", "pad"}, default="drop"
        What becomes of an incomplete last window: dropped as in the original program, or
        padded with zeros. A clip shorter than one window is always padded to one.

    sampling_rate : int, default=16000
        Rate in Hz of clips that are arrays or tensors. Files state their own.

    normalize : bool, default=False
        Whether to scale each vector to unit length.

    batch_size : int, default=32
        Most clips (or windows, in frame mode) that the network sees at once. Long clips
        go in smaller batches. The batch does not influence the vectors.

    device : str, default="auto"
        Where the network runs: ``"auto"`` (a CUDA GPU if there is one, else the CPU), or
        a torch device such as ``"cpu"``, ``"cuda:1"`` or ``"mps"``. ``"openvino"`` is the
        CPU through OpenVINO (extra ``openvino``): faster for many clips, and equal within
        1e-5.

    n_jobs : int or None, default=None
        Threads that read and decode clips ahead while the network works. None is one, -1
        as many as there are processors. On a CPU each thread also runs the network for
        the clips it reads, and there are at least as many of them as torch uses for
        itself (`torch.get_num_threads`, but no more than 8), so that a larger number
        helps only where reading is slow.

    memory : str, Path, joblib.Memory or None, default=None
        Where to keep the vectors of each clip, found again by the content of the file and
        the configuration: adding 10 files to a folder of 10,000 computes 10, and an
        interrupted run goes on.

    on_error : {"raise", "nan"}, default="raise"
        What becomes of a clip that cannot be read. ``"raise"`` stops with an error that
        names row and file. ``"nan"`` keeps its row as NaN and issues one
        :class:`~skw2c.exceptions.FailedClipWarning`, which carries the list of failures.
        In frame mode such a row has as many windows as all others have, or else one.

    random_state : int, RandomState instance or None, default=None
        Determines the untrained encoder of ``weights=None``.

    verbose : bool or int, default=False
        Whether to show a progress bar.

    Attributes
    ----------
    weights_ : WeightsReference
        Which weights ``fit`` found. Pickles carry this, not the network.

    n_features_in_ : int
        Number of columns of X, where X was a table.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where X was a DataFrame with names that are strings.

    See Also
    --------
    skw2c.load_audio : Load one clip the way this transformer hears it.
    skw2c.datasets.make_sound_events : Generated clips to try it on.

    Notes
    -----
    X is a collection of clips: a list, tuple, Series, one-column DataFrame or object
    array of paths, of one-dimensional arrays or of tensors. Their lengths may differ. Any
    other X is a table of clips x samples, which as every table in scikit-learn keeps its
    width from ``fit`` to ``transform``. Integer samples of 8, 16 and 32 bits are PCM and
    scaled by their type.

    The original program standardises the spectrogram over the whole batch; here it is
    standardised clip by clip, which is what the original gives for one clip at a time. In
    frame mode the statistics are those of all windows of the clip together. A silent clip
    has a finite vector.

    Clips longer than 113 seconds (or with more windows than make 113 seconds in all) are
    read twice, in blocks: memory does not grow with their length.

    References
    ----------
    .. [1] H.-H. Wu, P. Seetharaman, K. Kumar and J. P. Bello, "Wav2CLIP: Learning robust
       audio representations from CLIP", ICASSP 2022, arXiv 2110.11499.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import Wav2CLIPTransformer
    >>> rng = np.random.default_rng(0)
    >>> clips = [rng.normal(size=16000), rng.normal(size=8000)]
    >>> transformer = Wav2CLIPTransformer(weights=None, random_state=0)
    >>> transformer.fit_transform(clips).shape
    (2, 512)
    >>> frames = transformer.set_params(mode="frame", hop_length=0.5).fit_transform(clips)
    >>> frames.shape
    (2, 1, 512)
    >>> transformer.frame_times(2)
    array([[0. , 1. ],
           [0.5, 1.5]])
    """

    _parameter_constraints = {
        "weights": [str, os.PathLike, WeightsReference, None],
        "mode": [StrOptions({"clip", "frame"})],
        "output": [StrOptions({"clip", "encoder"})],
        "frame_length": [Interval(Real, 0, None, closed="neither")],
        "hop_length": [Interval(Real, 0, None, closed="neither")],
        "tail": [StrOptions({"drop", "pad"})],
        "sampling_rate": [Interval(Integral, 1, None, closed="left")],
        "normalize": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "n_jobs": [Interval(Integral, None, None, closed="neither"), None],
        "memory": [str, os.PathLike, joblib.Memory, None],
        "on_error": [StrOptions({"raise", "nan"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        weights="wav2clip",
        *,
        mode="clip",
        output="clip",
        frame_length=1.0,
        hop_length=1.0,
        tail="drop",
        sampling_rate=16000,
        normalize=False,
        batch_size=32,
        device="auto",
        n_jobs=None,
        memory=None,
        on_error="raise",
        random_state=None,
        verbose=False,
    ):
        self.weights = weights
        self.mode = mode
        self.output = output
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.tail = tail
        self.sampling_rate = sampling_rate
        self.normalize = normalize
        self.batch_size = batch_size
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X=None, y=None):
        """Find the weights and check the parameters; no clip is read.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array, tensor or None, default=None
            Clips, see the Notes of the class. None will do: nothing is learned from them.
        y : None
            Ignored.

        Returns
        -------
        self : Wav2CLIPTransformer
            The fitted transformer.
        """
        self._framing()
        if X is None:
            note_columns(self, X, reset=True)
        else:
            self._list_clips(X, reset=True)
        return self._adopt(self._refer_to_weights())

    def transform(self, X):
        """Embed clips.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            Clips, see the Notes of the class.

        Returns
        -------
        ndarray
            In clip mode (n_clips, 512), float32. In frame mode (n_clips, n_frames, 512) if
            all clips have as many windows, else an object array of shape (n_clips,) of
            arrays (n_frames of the clip, 512); see `frame_times`.

        Raises
        ------
        AudioError
            If a clip cannot be read and ``on_error="raise"``.
        ValueError
            If X is empty, or no collection of clips.

        Warns
        -----
        FailedClipWarning
            If clips could not be read and ``on_error="nan"``.
        """
        check_is_fitted(self)
        self._validate_params()
        clips = self._list_clips(X, reset=False)
        if self.mode == "frame":
            check_container(self, "mode='frame'", "mode='clip'")
        vectors = self._embedder().embed(clips)
        if self.normalize:
            vectors = [to_unit_length(frames) for frames in vectors]
        return np.concatenate(vectors) if self.mode == "clip" else stack_frames(vectors)

    def frame_times(self, n_frames):
        """Start and end of the first windows of a clip, in frame mode.

        Parameters
        ----------
        n_frames : int
            Number of windows.

        Returns
        -------
        ndarray of shape (n_frames, 2), float64
            Seconds from the start of the clip, computed from whole samples at 16 kHz.
        """
        return self._framing().spans(n_frames) / _RATE

    @property
    def _n_features_out(self):
        return self._widths[self.output]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = self.on_error == "nan"
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _framing(self):
        """The windows of frame mode in samples, checked."""
        length, hop = (round(seconds * _RATE) for seconds in (self.frame_length, self.hop_length))
        if length < SHORTEST:
            raise ValueError(
                f"frame_length={self.frame_length!r} seconds is {length} samples at {_RATE} Hz; "
                f"the spectrogram needs at least {SHORTEST} ({SHORTEST / _RATE:.4f} seconds)"
            )
        if hop < 1:
            raise ValueError(
                f"hop_length={self.hop_length!r} seconds is less than one sample at {_RATE} Hz"
            )
        return Framing(length, hop, pad_tail=self.tail == "pad")

    def _list_clips(self, X, reset):
        """List the clips of X; a table is validated as scikit-learn does."""
        clips = list_clips(X)
        if clips is None:
            X = tensor_to_array(X) if hasattr(X, "detach") else X
            finite = self.on_error == "raise"
            return list(validate_data(self, X, reset=reset, ensure_all_finite=finite))
        note_columns(self, X, reset=reset)
        return clips

    def _adopt(self, reference):
        """Become fitted with these weights."""
        self.weights_ = reference
        self._widths = self._network().widths
        return self

    def _refer_to_weights(self):
        if self.weights is None:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
            return WeightsReference(seed=int(seed))
        return refer_to(self.weights, progress=bool(self.verbose))

    def _network(self):
        return get_frozen_wav2clip(self.weights_, self.device)

    def _embedder(self):
        framing = self._framing() if self.mode == "frame" else None
        network = self._network()
        identity = self.weights_.identity
        configuration = (identity, self.output, framing, network.device_type)
        return ClipEmbedder(
            network,
            framing=framing,
            output=self.output,
            rate=self.sampling_rate,
            batch_size=self.batch_size,
            n_jobs=self.n_jobs,
            store=VectorStore(self.memory, configuration),
            on_error=self.on_error,
            verbose=self.verbose,
        )
