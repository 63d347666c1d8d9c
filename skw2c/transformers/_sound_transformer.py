"""What the estimators share that embed sound with a frozen network."""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Integral
from typing import TYPE_CHECKING

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
from sklearn.utils.validation import check_is_fitted

from ..models._framing import Framing
from ..models._frozen_encoder import FrozenEncoder
from ..system._optional import import_optional
from ..system._vector_store import VectorStore
from ..validation._clips import validate_clips
from ..validation._intervals import LONGEST, RATE
from ..validation._tables import check_container, note_columns, stack_frames
from ..weights import WeightsReference, refer_to, registry
from ._embedding import ClipEmbedder, average
from ._rows import to_unit_length
from ._weights_by_reference import WeightsByReference

if TYPE_CHECKING:
    from ..models import EncoderGraph


class SoundTransformer(
    WeightsByReference, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Base of the estimators that embed clips with a frozen network.

    A subclass names its ``_model`` and ``_rate``, makes its network in ``_network`` and its
    windows in ``_framing``, and lists in ``_configuration`` what else its vectors depend on.

    Attributes
    ----------
    _model : str
        The model's name in the registry of weights.
    _rate : int
        Rate of the waveforms that the network takes, in Hz.
    _heeds_scale : bool
        Whether the vectors depend on how large the samples are: on whether they are in [-1, 1].
    _pools_windows : bool
        Whether the vector of a clip is the mean of those of its windows; else the network
        sees the clip as a whole.
    """

    _model: str

    _parameter_constraints = {
        "weights": [str, os.PathLike, WeightsReference, None],
        "mode": [StrOptions({"clip", "frame"})],
        "sampling_rate": [RATE],
        "normalize": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "n_jobs": [Interval(Integral, None, None, closed="neither"), None],
        "memory": [str, os.PathLike, joblib.Memory, None],
        "on_error": [StrOptions({"raise", "nan"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X=None, y=None):
        """Find the weights and check the parameters; no clip is read.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array, tensor or None, default=None
            Clips, see the Notes of the class. May be None, since nothing is learned from them.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        self._framing()
        if X is None:
            note_columns(self, X, reset=True)
        else:
            validate_clips(self, X, reset=True)
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
            In clip mode (n_clips, width), float32. In frame mode (n_clips, n_frames, width)
            if all clips have as many windows, else an object array of shape (n_clips,) of
            arrays (n_frames of the clip, width); see `frame_times`.

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
        UserWarning
            If the channels of clips cancel each other out in the mono mix; or if samples are
            far beyond [-1, 1], and the vectors depend on it.
        """
        check_is_fitted(self)
        if self.mode == "frame":
            check_container(self, "mode='frame'", "mode='clip'")
        vectors, _ = self._embed(X)
        return np.concatenate(vectors) if self.mode == "clip" else stack_frames(vectors)

    def embed_with_durations(self, X) -> tuple[list[np.ndarray], np.ndarray]:
        """Embed clips, and say how long they are, for those who say what is heard when.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame, array or tensor
            Clips.

        Returns
        -------
        vectors : list of ndarray of shape (n_frames, width)
        durations : ndarray of shape (n_clips,), float64
            In seconds; NaN for clips that failed.

        Examples
        --------
        >>> import numpy as np
        >>> from skw2c import Wav2CLIPTransformer
        >>> transformer = Wav2CLIPTransformer("mini", mode="frame", tail="pad").fit()
        >>> vectors, durations = transformer.embed_with_durations([np.ones(16000), np.ones(24000)])
        >>> [len(frames) for frames in vectors], durations
        ([1, 2], array([1. , 1.5]))
        """
        vectors, measure = self._embed(X)
        return vectors, measure()

    def _embed(self, X):
        """Vectors (n_frames, width) of each clip, and what tells how long the clips are."""
        check_is_fitted(self)
        self._validate_params()
        clips = validate_clips(self, X, reset=False)
        embedder = self._embedder()
        vectors = embedder.embed(clips)
        if self.normalize:
            vectors = [to_unit_length(frames) for frames in vectors]
        return vectors, lambda: embedder.durations(clips)

    def frame_times(self, n_frames, duration=None):
        """Start and end of the first windows of a clip, in frame mode.

        Parameters
        ----------
        n_frames : int
            Number of windows.
        duration : float or None, default=None
            How long the clip is, in seconds (see `embed_with_durations`). It counts where the
            last window ends with the clip; None: with a whole number of windows.

        Returns
        -------
        ndarray of shape (n_frames, 2), float64
            Seconds from the start of the clip, computed from whole samples at the network's
            rate.
        """
        n_samples = None
        if duration is not None and np.isfinite(duration):
            n_samples = round(duration * self._rate)
        return self._framing().spans(n_frames, n_samples) / self._rate

    def export(self, path):
        """Write the fitted encoder as an ONNX file, which needs neither skw2c nor torch to run.

        Needs the extra ``export``. The model takes ``waveforms`` (clips, samples), float32, mono
        and at the rate of the network: any number of clips of one length, which may be any. It
        gives ``vectors``, those of `transform` with the parameters of this encoder within 1e-5:
        (clips, width), or (clips, frames, width) in frame mode. Its metadata say what the
        parameters were.

        Parameters
        ----------
        path : str or os.PathLike
            The file to write, whose name ends in ``.onnx``. One that is there is replaced.

        Raises
        ------
        OptionalDependencyError
            If the extra ``export`` is not installed.
        OSError
            If the file cannot be written.
        ValueError
            If the name ends in something else, or the encoder cannot be exported.

        Examples
        --------
        >>> import os, tempfile
        >>> from skw2c import Wav2CLIPTransformer
        >>> transformer = Wav2CLIPTransformer("mini", output="words").fit()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     transformer.export(os.path.join(folder, "mini.onnx"))
        ...     os.listdir(folder)
        ['mini.onnx']
        """
        check_is_fitted(self)
        self._validate_params()
        import_optional("torch", extra="export", purpose="export to ONNX")
        from ._export import check_export, write_onnx

        check_export(path)
        framing, pool = self._windows()
        write_onnx(self, self._graph(), framing, pool, path)

    # Read only here: a subclass states them, or has properties that tell them.
    @property
    def _rate(self) -> int:
        raise NotImplementedError

    @property
    def _heeds_scale(self) -> bool:
        return True

    @property
    def _pools_windows(self) -> bool:
        return False

    @property
    def _n_features_out(self):
        return self._widths[self._output()]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = self.on_error == "nan"
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _output(self) -> str:
        """Which of the network's vectors."""
        return self.output

    def _framing(self) -> Framing:
        """The windows in samples, checked."""
        raise NotImplementedError

    def _network(self) -> FrozenEncoder:
        """The network of ``weights_``, ready to run."""
        raise NotImplementedError

    def _name_of_weights(self) -> str | None:
        """Name of its weights in the registry of weights; None for those of a file or a seed."""
        name = self.weights
        return name if isinstance(name, str) and name in registry() else None

    def _pool(self) -> Callable:
        """What makes the vector of a clip of those of its windows."""
        return average

    def _configuration(self) -> tuple:
        """What vectors depend on beside weights, output, windows and device."""
        return ()

    def _to_samples(self, name: str, shortest: int = 1, reason: str = "one sample is") -> int:
        """A parameter in seconds as a number of samples, checked."""
        seconds = getattr(self, name)
        if not 0 < seconds <= LONGEST:
            raise ValueError(
                f"{name}={seconds!r} seconds must be more than 0, and at most {LONGEST:,}"
            )
        n_samples = round(seconds * self._rate)
        if n_samples < shortest:
            raise ValueError(
                f"{name}={seconds!r} seconds is {n_samples} samples at {self._rate} Hz; {reason} "
                f"at least {shortest} ({shortest / self._rate:.4g} seconds)"
            )
        return n_samples

    def _refer_to_weights(self):
        if self.weights is None:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
            return WeightsReference(seed=int(seed))
        return refer_to(self.weights, self._model, progress=bool(self.verbose))

    def _graph(self) -> EncoderGraph:
        """The network of ``weights_``, in operations that an ONNX model can hold."""
        raise ValueError(f"{type(self).__name__} cannot be exported")

    def _windows(self) -> tuple[Framing | None, Callable | None]:
        """The windows, None for whole clips; and what makes one vector of theirs, if anything."""
        by_windows = self._pools_windows or self.mode == "frame"
        framing = self._framing() if by_windows else None
        return framing, self._pool() if self._pools_windows and self.mode == "clip" else None

    def _embedder(self):
        network, output = self._network(), self._output()
        framing, pool = self._windows()
        identity = (self._model, self.weights_.fingerprint, *self._configuration())
        configuration = (*identity, output, framing, bool(pool), network.device_type)
        return ClipEmbedder(
            network,
            framing=framing,
            pool=pool,
            output=output,
            rate=self.sampling_rate,
            batch_size=self.batch_size,
            n_jobs=self.n_jobs,
            store=VectorStore(self.memory, configuration),
            on_error=self.on_error,
            heeds_scale=self._heeds_scale,
            verbose=self.verbose,
        )
