"""CEDTransformer: clips in, a table of CED's embeddings or scores out."""

from __future__ import annotations

import numpy as np
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from ..models import Framing
from ..models.ced import RATE, SHORTEST, get_frozen_ced, graph_ced
from ..models.efficientat import audioset_labels
from ..system._docstrings import document_shared
from ..validation._intervals import SECONDS
from ..weights import refer_to
from ._encoder_registry import register_encoder
from ._shared_parameters import SOUND
from ._sound_transformer import SoundTransformer


@register_encoder("ced", embeds="audio")
@register_encoder("ced-tiny", embeds="audio", parameters={"weights": "ced-tiny"})
@register_encoder("ced-mini", embeds="audio", parameters={"weights": "ced-mini"})
@register_encoder("ced-small", embeds="audio", parameters={"weights": "ced-small"})
@register_encoder("ced-base", embeds="audio", parameters={"weights": "ced-base"})
@document_shared(SOUND)
class CEDTransformer(SoundTransformer):
    """Embed sound with CED, small transformers that tell the classes of AudioSet.

    Each clip is decoded, mixed down to mono, resampled to 16 kHz and embedded by a frozen
    network of CED [1]_, which learned from an ensemble of larger ones. ``fit`` finds the
    weights; nothing is trained. Neither transformers nor torchaudio is needed.

    Parameters
    ----------
    weights : str, Path, WeightsReference or None, default="ced-mini"
        ``"ced-tiny"``, ``"ced-mini"``, ``"ced-small"`` and ``"ced-base"`` are the official
        releases (Apache 2.0), see the Notes. They are fetched once into the cache (the folder
        named by the environment variable ``SKW2C_CACHE``, or the platform's cache folder). A
        path reads a ``model.safetensors`` of that layout, or the folder that it is in, of any
        size: the number of heads is that of the ``config.json`` beside it, or one for 64
        numbers of the embedding. None draws an untrained ced-mini from ``random_state``.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` gives one vector per clip, ``"frame"`` one per window of
        ``frame_length`` seconds.

    output : {"embedding", "scores"}, default="embedding"
        ``"embedding"`` is the mean of the last tokens. ``"scores"`` are independent scores of
        the 527 classes of AudioSet (or those of your own file), each between 0 and 1.

    frame_length : float, default=1.0
        Length of a window in seconds, in frame mode; at least 0.15.

    hop_length : shared
        As described in ``_shared_parameters``.

    tail : {"pad", "drop"}, default="pad"
        What to do with an incomplete last window, in frame mode: padded with zeros, so that
        all of a clip is heard, or dropped. A clip shorter than one window is always padded
        to one.

    sampling_rate, normalize : shared
        As described in ``_shared_parameters``.

    batch_size : int, default=32
        Most clips (or windows, in frame mode) that the network takes at once. On a CPU it
        takes those of 20 seconds at a time, as more gain nothing. The batch does not
        influence the vectors.

    device, n_jobs, memory, on_error, random_state, verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    EfficientATTransformer : Convolutional networks that score the same classes.
    YAMNetTransformer : A smaller network, of 521 classes.
    Wav2CLIPTransformer : Embed sound in the space of CLIP.

    Notes
    -----
    X is a collection of clips, as :class:`Wav2CLIPTransformer` takes it. The result depends on
    how loud they are; a warning names those that go far beyond [-1, 1], files included.

    =============  =========  ==========  ======  ===========================
    weights        embedding  parameters  file    mAP on AudioSet, as published
    =============  =========  ==========  ======  ===========================
    ``ced-tiny``   192        5.5 M       22 MB   48.1
    ``ced-mini``   256        9.7 M       39 MB   49.0
    ``ced-small``  384        21.6 M      87 MB   49.6
    ``ced-base``   768        85.7 M      343 MB  50.0
    =============  =========  ==========  ======  ===========================

    The network sees a clip as a whole, up to 10.12 seconds of it at once: a longer one goes in
    chunks of that length, the last one filled up with what is silence to the network, and its
    embedding is the mean of theirs. Its scores are those of this mean. A clip shorter than
    0.15 seconds is padded with zeros to that.

    What is more than 120 dB below the loudest moment of a clip (or of a window, in frame mode)
    counts as that. The program of the authors takes the loudest moment of all clips of a batch,
    fills them up to the length of the longest, mixes up long clips of a batch, and leaves out
    the last 10.12 seconds where these are whole; here the vector of a clip is what that program
    should give for it alone.

    Clips longer than a minute are read twice, in blocks, and give the same vectors: memory does
    not grow with their length. A silent clip has a finite vector.

    References
    ----------
    .. [1] H. Dinkel, Y. Wang, Z. Yan, J. Zhang and Y. Wang, "CED: Consistent ensemble
       distillation for audio tagging", ICASSP 2024, arXiv 2308.11957.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import CEDTransformer
    >>> clips = [np.random.default_rng(0).uniform(-0.5, 0.5, 24000)]
    >>> transformer = CEDTransformer(weights=None, random_state=0)
    >>> transformer.fit_transform(clips).shape
    (1, 256)
    >>> transformer.set_params(mode="frame", hop_length=0.5, output="scores").transform(clips).shape
    (1, 2, 527)
    >>> transformer.get_feature_names_out()[:2]
    array(['Speech', 'Male speech, man speaking'], dtype=object)
    >>> transformer.frame_times(2)
    array([[0. , 1. ],
           [0.5, 1.5]])
    """

    _model = "ced"
    _rate = RATE

    _parameter_constraints = {
        **SoundTransformer._parameter_constraints,
        "output": [StrOptions({"embedding", "scores"})],
        "frame_length": [SECONDS],
        "hop_length": [SECONDS],
        "tail": [StrOptions({"drop", "pad"})],
    }

    def __init__(
        self,
        weights="ced-mini",
        *,
        mode="clip",
        output="embedding",
        frame_length=1.0,
        hop_length=1.0,
        tail="pad",
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

    def get_feature_names_out(self, input_features=None):
        """Names of the columns: those of the classes for scores of AudioSet, else numbered.

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
        if self._n_features_out != len(audioset_labels()):  # trained on other classes
            return super().get_feature_names_out(input_features)
        return np.array(audioset_labels(), dtype=object)

    def _framing(self):
        length = self._to_samples("frame_length", SHORTEST, "a patch of the spectrogram has")
        return Framing(length, self._to_samples("hop_length"), pad_tail=self.tail == "pad")

    def _refer_to_weights(self):
        if self.weights is None:
            return super()._refer_to_weights()
        return refer_to(self.weights, self._model, folders=True, progress=bool(self.verbose))

    def _configuration(self):
        return (self._network().n_heads,)

    def _network(self):
        return get_frozen_ced(self.weights_, self.device)

    def _graph(self):
        return graph_ced(self.weights_, self.output)
