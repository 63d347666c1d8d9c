"""EfficientATTransformer: clips in, a table of EfficientAT's embeddings or scores out."""

from __future__ import annotations

import numpy as np
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from ..models import Framing
from ..models.efficientat import (
    SHORTEST,
    FrozenEfficientAT,
    audioset_labels,
    get_frozen_efficientat,
    graph_efficientat,
)
from ..system._docstrings import document_shared
from ..validation._intervals import SECONDS
from ._encoder_registry import register_encoder
from ._shared_parameters import SOUND
from ._sound_transformer import SoundTransformer

_LENGTH = 10 * FrozenEfficientAT.sampling_rate


@register_encoder("efficientat", embeds="audio")
@register_encoder("mn04", embeds="audio", parameters={"weights": "mn04"})
@register_encoder("mn10", embeds="audio", parameters={"weights": "mn10"})
@document_shared(SOUND)
class EfficientATTransformer(SoundTransformer):
    """Embed sound with EfficientAT, small networks that tell the classes of AudioSet.

    Each clip is decoded, mixed down to mono, resampled to 32 kHz, cut into windows of ten
    seconds where it is longer, and embedded by a frozen MobileNetV3 [1]_ that learned from an
    ensemble of transformers. ``fit`` finds the weights; nothing is trained.

    Parameters
    ----------
    weights : str, Path, WeightsReference or None, default="mn10"
        Official weights (MIT), fetched once into the cache (the folder named by the environment
        variable ``SKW2C_CACHE``, or the platform's cache folder). See the Notes. A path reads
        such a file, ``.pt`` or ``.safetensors``, of any width. None draws an untrained network
        of the size of ``"mn10"`` from ``random_state``.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` gives one vector per clip, the mean over its windows; ``"frame"`` one
        per window.

    output : {"embedding", "scores", "mid"}, default="embedding"
        ``"embedding"`` is the mean of the last feature maps. ``"scores"`` are independent
        scores of the 527 classes of AudioSet, each between 0 and 1. ``"mid"`` are the means of
        the 128 mel bands and of the maps of four blocks in the middle (5, 11, 13 and 15), which
        tell sounds of other kinds apart better than the last maps do [2]_.

    frame_length : float, default=10.0
        Length of a window in seconds, in frame mode. In clip mode it is the ten seconds that the
        networks were trained on.

    hop_length : float, default=10.0
        Time from the start of one window to the next, in seconds, in frame mode.

    sampling_rate, normalize : shared
        As described in ``_shared_parameters``.

    batch_size : int, default=64
        Most windows that the network takes at once. On a CPU it takes no more than forty
        seconds at a time, as more gain nothing. The batch does not influence the vectors.

    device, n_jobs, memory, on_error, random_state, verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    YAMNetTransformer : An older network for most of these classes.
    Wav2CLIPTransformer : Embed sound in the space of CLIP.

    Notes
    -----
    X is a collection of clips, as :class:`Wav2CLIPTransformer` takes it. The result depends on
    how loud they are; a warning names those that go far beyond [-1, 1], files included.

    The networks differ in the width of their layers. The numbers in their names are ten times
    that width; the mean average precision on AudioSet is that which their publishers state.

    ==============  ==========  ===========  =======  =========
    weights         parameters  "embedding"  "mid"    precision
    ==============  ==========  ===========  =======  =========
    ``"mn02"``      0.3 M       192          224      37.8
    ``"mn04"``      1.0 M       384          320      43.2
    ``"mn05"``      1.4 M       480          368      44.3
    ``"mn10"``      4.9 M       960          600      47.1
    ``"mn20"``      17.9 M      1920         1072     47.8
    ``"mn30"``      39.1 M      2880         1544     48.2
    ``"mn40"``      68.4 M      3840         2016     48.4
    ``"mn40_ext"``  68.4 M      3840         2016     48.7
    ==============  ==========  ===========  =======  =========

    The network averages over all of a window, so that silence added to it would change its
    vector. Nothing is added: a clip shorter than a window is embedded at its own length, and
    the last window of a longer clip ends with it, overlapping the one before. In clip mode there
    is 1 window for 10 seconds, and 2 for 10.1 and for 20; in frame mode there are
    ``1 + ceil((duration - frame_length) / hop_length)``, and at least one. Only what is shorter
    than 514 samples at 32 kHz, 16 milliseconds, is padded with zeros to that.

    Clips with more than 32 windows, or longer than some five minutes, are read in blocks: memory
    does not grow with their length.

    References
    ----------
    .. [1] F. Schmid, K. Koutini and G. Widmer, "Efficient large-scale audio tagging via
       transformer-to-CNN knowledge distillation", ICASSP 2023.

    .. [2] F. Schmid, K. Koutini and G. Widmer, "Low-complexity audio embedding extractors",
       EUSIPCO 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import EfficientATTransformer
    >>> clips = [np.random.default_rng(0).normal(scale=0.1, size=40000)]
    >>> transformer = EfficientATTransformer(weights=None, random_state=0)
    >>> transformer.fit_transform(clips).shape
    (1, 960)
    >>> transformer.set_params(mode="frame", frame_length=1.0, hop_length=0.5)
    EfficientATTransformer(frame_length=1.0, hop_length=0.5, mode='frame',
                           random_state=0, weights=None)
    >>> transformer.set_params(output="scores").transform(clips).shape
    (1, 2, 527)
    >>> transformer.get_feature_names_out()[:2]
    array(['Speech', 'Male speech, man speaking'], dtype=object)
    >>> transformer.frame_times(2, duration=1.25)
    array([[0.  , 1.  ],
           [0.25, 1.25]])
    """

    _model = "efficientat"
    _rate = FrozenEfficientAT.sampling_rate
    _pools_windows = True

    _parameter_constraints = {
        **SoundTransformer._parameter_constraints,
        "output": [StrOptions({"embedding", "scores", "mid"})],
        "frame_length": [SECONDS],
        "hop_length": [SECONDS],
    }

    def __init__(
        self,
        weights="mn10",
        *,
        mode="clip",
        output="embedding",
        frame_length=10.0,
        hop_length=10.0,
        sampling_rate=32000,
        normalize=False,
        batch_size=64,
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
        self.sampling_rate = sampling_rate
        self.normalize = normalize
        self.batch_size = batch_size
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    def get_feature_names_out(self, input_features=None):
        """Names of the columns: those of the classes for scores, else numbered.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of str objects
        """
        if self.output != "scores":
            return super().get_feature_names_out(input_features)
        check_is_fitted(self)
        return np.array(audioset_labels(), dtype=object)

    def _framing(self):
        if self.mode == "clip":
            return Framing(_LENGTH, _LENGTH, align_tail=True)
        length = self._to_samples("frame_length", SHORTEST, "the spectrogram needs")
        return Framing(length, self._to_samples("hop_length"), align_tail=True)

    def _network(self):
        return get_frozen_efficientat(self.weights_, self.device)

    def _graph(self):
        return graph_efficientat(self.weights_, self.output)
