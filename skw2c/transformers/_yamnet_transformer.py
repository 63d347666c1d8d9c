"""YAMNetTransformer: clips in, a table of YAMNet's embeddings or scores out."""

from __future__ import annotations

import numpy as np
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from ..models import Framing
from ..models.yamnet import (
    WINDOW_LENGTH,
    FrozenYAMNet,
    audioset_classes,
    get_frozen_yamnet,
    graph_yamnet,
)
from ..system._docstrings import document_shared
from ..validation._intervals import SECONDS
from ._encoder_registry import register_encoder
from ._shared_parameters import SOUND
from ._sound_transformer import SoundTransformer


@register_encoder("yamnet", embeds="audio")
@document_shared(SOUND)
class YAMNetTransformer(SoundTransformer):
    """Embed sound with YAMNet, a network that tells the classes of AudioSet.

    Each clip is decoded, mixed down to mono, resampled to 16 kHz and cut into windows of
    0.975 seconds, which the frozen network of YAMNet [1]_ embeds one by one. ``fit`` finds
    the weights; nothing is trained. TensorFlow is not needed.

    Parameters
    ----------
    weights : str, Path, WeightsReference or None, default="yamnet"
        ``"yamnet"`` is the official release (Apache 2.0), fetched once into the cache (the
        folder named by the environment variable ``SKW2C_CACHE``, or the platform's cache
        folder); ``"yamnet-tflite"`` is the program of TensorFlow Hub, whose weights are
        rounded to 8 bits. A path reads one of these files (``.h5`` with the extra
        ``keras``, ``.tflite`` with the extra ``tflite``), or ``.npz`` or ``.safetensors``
        with the batch normalisation folded into kernels and biases. None draws an
        untrained network from ``random_state``.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` gives one vector per clip, the mean over its windows; ``"frame"`` one
        per window.

    output : {"embedding", "scores", "log_mel"}, default="embedding"
        ``"embedding"`` is the mean of the last feature maps, of dimension 1024. ``"scores"``
        are independent scores of the 521 classes, each between 0 and 1. ``"log_mel"`` is the
        input of the network: 96 frames of 64 bands, of dimension 6144.

    hop_length : shared
        As described in ``_shared_parameters``.

    tail : {"pad", "drop"}, default="pad"
        What to do with an incomplete last window: padded with zeros as in the original
        program, or dropped. A clip shorter than one window is always padded to one.

    sampling_rate, normalize : shared
        As described in ``_shared_parameters``.

    batch_size : int, default=64
        Most windows that the network takes at once. The batch does not influence the
        vectors.

    device, n_jobs, memory, on_error, random_state, verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    YAMNetClassifier : The classes of AudioSet, by YAMNet's scores.
    Wav2CLIPTransformer : Embed sound in the space of CLIP.

    Notes
    -----
    X is a collection of clips, as :class:`Wav2CLIPTransformer` takes it. The result depends on
    how loud they are; a warning names those that go far beyond [-1, 1], files included.

    Windows go on until they hold the whole clip, the last one padded with zeros: there are
    ``1 + ceil((duration - 0.975) / hop_length)`` of them, and at least one. That is 2 for
    1 second, 10 for 5 and 20 for 10. With ``tail="drop"`` there are as many as fit.

    Where ``hop_length`` is a multiple of 0.01 seconds, windows that overlap share their
    spectrograms, which are computed once.

    The network of the official release rectifies its layers without a bound, that of the
    program of TensorFlow Hub at 6; the file tells which. That program also rounds what its
    layers give to 8 bits, which is not done here: its embeddings correlate with ours by
    0.999.

    Clips with more than 256 windows are read in blocks: memory does not grow with their
    length.

    References
    ----------
    .. [1] M. Plakal and D. Ellis, "YAMNet", 2019, in the repository tensorflow/models,
       research/audioset/yamnet.

    .. [2] J. F. Gemmeke et al., "Audio Set: An ontology and human-labeled dataset for
       audio events", ICASSP 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import YAMNetTransformer
    >>> clips = [np.random.default_rng(0).normal(size=16000)]
    >>> transformer = YAMNetTransformer(weights=None, random_state=0)
    >>> transformer.fit_transform(clips).shape
    (1, 1024)
    >>> transformer.set_params(mode="frame", output="scores").transform(clips).shape
    (1, 2, 521)
    >>> transformer.get_feature_names_out()[:2]
    array(['Speech', 'Child speech, kid speaking'], dtype=object)
    >>> transformer.frame_times(2)
    array([[0.   , 0.975],
           [0.48 , 1.455]])
    """

    _model = "yamnet"
    _rate = FrozenYAMNet.sampling_rate
    _pools_windows = True

    _parameter_constraints = {
        **SoundTransformer._parameter_constraints,
        "output": [StrOptions({"embedding", "scores", "log_mel"})],
        "hop_length": [SECONDS],
        "tail": [StrOptions({"drop", "pad"})],
    }

    def __init__(
        self,
        weights="yamnet",
        *,
        mode="clip",
        output="embedding",
        hop_length=0.48,
        tail="pad",
        sampling_rate=16000,
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
        return np.array(audioset_classes(), dtype=object)

    def _framing(self):
        hop = self._to_samples("hop_length")
        return Framing(WINDOW_LENGTH, hop, pad_tail=self.tail == "pad")

    def _network(self):
        return get_frozen_yamnet(self.weights_, self.device)

    def _graph(self):
        return graph_yamnet(self.weights_, self.output)
