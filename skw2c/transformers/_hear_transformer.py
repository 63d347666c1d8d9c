"""HEARTransformer: clips in, a table of the vectors of any module of the HEAR API out."""

from __future__ import annotations

import os
import sys
from types import ModuleType

from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from ..exceptions import WeightsError
from ..models.hear import FUNCTIONS, HEARReference, get_frozen_hear
from ..system._docstrings import document_shared
from ._encoder_registry import register_nameless
from ._shared_parameters import SOUND
from ._sound_transformer import SoundTransformer


@register_nameless(embeds="audio")
@document_shared(SOUND)
class HEARTransformer(SoundTransformer):
    """Embed sound with any module of the HEAR API.

    HEAR [1]_ is a benchmark of audio embeddings, and dozens of models come as modules with its
    three functions: ``load_model``, ``get_scene_embeddings`` and ``get_timestamp_embeddings``.
    Each clip is decoded, mixed down to mono, resampled to the rate of the model and handed to
    the module, whose vectors are checked. ``fit`` loads the model; nothing is trained.

    Parameters
    ----------
    module : str, module or object
        Name of the module to import, such as ``"hear21passt.base"``; or the module itself, or
        another object with the three functions. Importing a module runs it: name only those
        that you trust.

    weights : str or Path, default=""
        What to give to ``load_model``, most often the path of a file. Empty: nothing, so that
        the module takes its own.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` gives one vector per clip, its scene embedding; ``"frame"`` its timestamp
        embeddings, one per frame, see `frame_times`.

    sampling_rate, normalize, device : shared
        As described in ``_shared_parameters``.

    n_jobs : int or None, default=None
        Threads that read and decode clips ahead while the module works, which takes one clip
        at a time. None is one, -1 as many as there are processors.

    memory : shared
        As described in ``_shared_parameters``.

    on_error : {"raise", "nan"}, default="raise"
        What to do with a clip that cannot be read, that the module fails on, or that it gives
        numbers for which are not finite. ``"raise"`` stops with an error that names row and
        file. ``"nan"`` keeps its row as NaN and issues one
        :class:`~skw2c.exceptions.FailedClipWarning`, which carries the list of failures. In
        frame mode such a row has as many frames as all others have, or else one.

    verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_ : HEARReference
        Which module and weights ``fit`` found: its name, version and code, the checksums of the
        file of weights and of the model that was loaded. Pickles carry this, not the model.

    n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    skw2c.hear : The other direction: the encoders of this package as a module of HEAR.

    Notes
    -----
    X is a collection of clips, as :class:`Wav2CLIPTransformer` takes it.

    The module gets one clip per call, since HEAR does not promise that the clips of a batch
    leave each other alone. HEAR knows no parts of a clip either: the module gets the whole
    waveform, so that an hour takes the memory and time that it takes for an hour.

    A module that does not keep to HEAR is refused with an error that says what it did: another
    size than it states, other numbers of vectors and times, vectors that are not floats, times
    that do not increase or are not milliseconds. Vectors in half or double precision are
    converted to single precision. ``fit`` tries the module on four seconds of quiet noise.

    When frames are may depend on nothing but their number. ``fit`` in frame mode learns it from
    the same noise, and each clip is compared with it: one whose times are off by more than a
    millisecond (and 1e-5 of the time, for rounding) is the failure of that clip.

    A module that was passed as a module is pickled by its name, and one of another kind as any
    object is, where it can be. An :class:`AudioIndex` is saved with a module that is given by
    its name. Once it is loaded, no module is imported by the word of a file: the encoder comes
    back where your program imported the module itself and ``weights`` is empty, and else is to
    be passed, ``AudioIndex.load(folder, encoder=...)``.

    References
    ----------
    .. [1] J. Turian et al., "HEAR: Holistic evaluation of audio representations", Proceedings
       of Machine Learning Research 176, 2022, arXiv 2203.03022.

    Examples
    --------
    The package's own small encoder, through HEAR:

    >>> import numpy as np
    >>> from skw2c import HEARTransformer
    >>> clips = [np.random.default_rng(0).uniform(-0.1, 0.1, 8000)]
    >>> transformer = HEARTransformer("skw2c.hear").fit(clips)
    >>> transformer.transform(clips).shape
    (1, 512)
    >>> transformer.set_params(mode="frame").transform(clips).shape
    (1, 10, 512)
    >>> transformer.frame_times(2)
    array([[-0.025,  0.025],
           [ 0.025,  0.075]])
    """

    _model = "hear"
    _reference = HEARReference
    # The module takes one clip at a time.
    batch_size = 1

    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in SoundTransformer._parameter_constraints.items()
            if name not in ("batch_size", "random_state")
        },
        "module": [str, HasMethods(list(FUNCTIONS))],
        "weights": [str, os.PathLike],
    }

    def __init__(
        self,
        module,
        weights="",
        *,
        mode="clip",
        sampling_rate=16000,
        normalize=False,
        device="auto",
        n_jobs=None,
        memory=None,
        on_error="raise",
        verbose=False,
    ):
        self.module = module
        self.weights = weights
        self.mode = mode
        self.sampling_rate = sampling_rate
        self.normalize = normalize
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.verbose = verbose

    def frame_times(self, n_frames, duration=None):
        """Start and end of the first frames of a clip, in frame mode.

        Parameters
        ----------
        n_frames : int
            Number of frames.
        duration : float or None, default=None
            Ignored: the times do not depend on how long the clip is.

        Returns
        -------
        ndarray of shape (n_frames, 2), float64
            Seconds from the start of the clip. HEAR tells the centres of frames and not their
            length: each reaches halfway to its neighbours.
        """
        check_is_fitted(self)
        return self._network().grid().spans(n_frames)

    def adopt_weights(self, description):
        """Become fitted with the module and weights that were described.

        Parameters
        ----------
        description : dict
            What ``describe_weights`` gave.

        Returns
        -------
        self : object

        Raises
        ------
        WeightsError
            If this program has not imported the module, if it was given weights (which a module
            may read in an unsafe way), or if it is another one now.
        """
        reference = self.refer_to_described(description)
        # Of a description the module is a name, and it is the one that would be imported.
        is_imported = not isinstance(self.module, str) or self.module in sys.modules
        if reference.weights or not is_imported:
            raise WeightsError(
                f"The vectors were made with the HEAR module {self.module!r}"
                f"{f' and the weights {reference.weights!r}' if reference.weights else ''}. "
                "Nothing is imported or loaded by the word of a file: "
                + ("" if reference.weights else "import the module first, or ")
                + "pass the encoder yourself, encoder=HEARTransformer(...)"
            )
        return self._adopt(reference)

    def __sklearn_clone__(self):
        # Modules cannot be copied, and what stands for one need not be.
        own = self.get_params(deep=False)
        copied = {name: clone(v, safe=False) for name, v in own.items() if name != "module"}
        twin = type(self)(self.module, **copied)
        if hasattr(self, "_sklearn_output_config"):
            twin._sklearn_output_config = dict(self._sklearn_output_config)
        return twin

    def __getstate__(self):
        state = {**super().__getstate__()}
        if isinstance(self.module, ModuleType):
            state["module"] = _importable_name(self.module)
        return state

    def _adopt(self, reference):
        super()._adopt(reference)
        self._network().check(self.mode)
        return self

    def _output(self):
        return self.mode

    def _framing(self):
        return None  # the module cuts frames by itself

    def _refer_to_weights(self):
        return get_frozen_hear(self.module, self.weights, self.device).reference

    def _network(self):
        network = get_frozen_hear(self.module, self.weights_.weights, self.device)
        _compare(self.weights_, network.reference)
        return network

    def _graph(self):
        raise ValueError(
            "A HEARTransformer cannot be exported: its module computes vectors in code of its own. "
            "Export the model with the tools of the package that the module comes from"
        )


def _importable_name(module: ModuleType) -> str:
    name = module.__name__
    if sys.modules.get(name) is not module:
        raise TypeError(
            f"The module {name!r} cannot be pickled, as it cannot be imported by this name: put it "
            "into a file that can, and pass its name, HEARTransformer(module=...)"
        )
    return name


def _compare(fitted: HEARReference, found: HEARReference) -> None:
    """Refuse to go on with another module or model than was fitted."""
    if found.fingerprint == fitted.fingerprint:
        return
    names = ("module", "version", "code", "sha256", "weights", "state")
    [name, *_] = [name for name in names if getattr(found, name) != getattr(fitted, name)]
    what = {"state": "loaded model", "sha256": "file of weights"}.get(name, name)
    raise WeightsError(
        f"The HEAR module {fitted.module!r} is not as it was when the estimator was fitted: its "
        f"{what} was {getattr(fitted, name)}, and is {getattr(found, name)}. Fit the estimator "
        "again, or put the former one back; a model that is drawn at random has to be seeded"
    )
