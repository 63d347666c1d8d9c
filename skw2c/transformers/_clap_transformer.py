"""CLAPTransformer: clips in, a table of vectors in the space of CLAP's texts out."""

from __future__ import annotations

from sklearn.utils._param_validation import StrOptions

from ..models import Framing
from ..models.clap import RATE, WINDOW_LENGTH, get_frozen_clap, graph_clap
from ..system._docstrings import document_shared
from ..validation._intervals import SECONDS
from ..weights import refer_to
from ._embedding import average, average_directions
from ._encoder_registry import register_encoder, registration_of
from ._shared_parameters import SOUND
from ._sound_transformer import SoundTransformer


@register_encoder("clap", embeds="audio", space="clap")
@register_encoder(
    "clap-htsat-unfused", embeds="audio", space="clap", parameters={"weights": "clap-htsat-unfused"}
)
@register_encoder(
    "clap-htsat-fused",
    embeds="audio",
    space="clap-htsat-fused",
    parameters={"weights": "clap-htsat-fused"},
)
@register_encoder(
    "larger_clap_general",
    embeds="audio",
    space="larger_clap_general",
    parameters={"weights": "larger_clap_general"},
)
@register_encoder(
    "larger_clap_music_and_speech",
    embeds="audio",
    space="larger_clap_music_and_speech",
    parameters={"weights": "larger_clap_music_and_speech"},
)
@document_shared(SOUND)
class CLAPTransformer(SoundTransformer):
    """Embed sound with CLAP, in one space with texts.

    CLAP [1]_ was trained on pairs of sounds and sentences, so that its words are those that
    people say of sounds. Each clip is decoded, mixed down to mono, resampled to 48 kHz and
    embedded by the frozen audio network in windows of ten seconds. ``fit`` finds the weights;
    nothing is trained.

    Parameters
    ----------
    weights : str, Path, WeightsReference or None, default="clap-htsat-unfused"
        An official release of LAION, fetched once into the cache (the folder named by the
        environment variable ``SKW2C_CACHE``, or the platform's cache folder):
        ``"clap-htsat-unfused"``, ``"clap-htsat-fused"``, ``"larger_clap_general"`` (the best for
        sounds of all kinds) or ``"larger_clap_music_and_speech"``. A path reads a folder as it is
        on the Hugging Face hub (``config.json``, ``preprocessor_config.json``, and
        ``model.safetensors`` or ``pytorch_model.bin``), or such a file of weights alone. None
        draws an untrained network from ``random_state``.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` gives one vector per clip; ``"frame"`` one per window.

    output : {"embedding", "hidden", "log_mel"}, default="embedding"
        ``"embedding"`` is the vector in the space of texts, of dimension 512. ``"hidden"`` is the
        one before the projection, of dimension 768, or 1024 in the larger networks. ``"log_mel"``
        is the input of the network in decibels: 1001 frames of 64 bands, of dimension 64064.

    frame_length : float, default=10.0
        Length of a window in seconds, in frame mode; at most 10. A shorter one is repeated
        as a short clip is.

    hop_length : float, default=10.0
        Time from the start of one window to the next, in seconds, in frame mode.

    sampling_rate, normalize : shared
        As described in ``_shared_parameters``.

    batch_size : int, default=32
        Most windows that the network takes at once. On a CPU it takes two at a time, as more
        gain nothing. The batch does not influence the vectors.

    device, n_jobs, memory, on_error, random_state, verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    CLAPTextEncoder : Embed texts in the same space.
    ZeroShotClassifier : Label sounds by words, with ``encoder="clap"``.
    AudioIndex : Find sounds by words, with ``encoder="clap"``.

    Notes
    -----
    X is a collection of clips, as :class:`Wav2CLIPTransformer` takes it. The result depends on
    how loud they are; a warning names those that go far beyond [-1, 1], files included.

    A clip of up to ten seconds is one window: it is repeated as often as it fits whole, and
    silence follows, as in training. A longer clip is cut into windows at 0, 10, 20, ... seconds
    and, where something remains, one that ends with the clip. Its vector is the mean of those of
    its windows, each scaled to unit length first if ``output="embedding"``. So the vector of a
    clip of one window has any length, and that of others at most 1; ``normalize=True`` gives all
    of them the same.

    The original program takes ten seconds at random out of a longer clip, so that each call gives
    another vector; the fused network, in the original, also treats a clip at random as a longer
    one. Neither happens here: the fused network hears windows too, each as a short clip. What it
    would make of a longer clip by itself, from a map of all of it that is shrunk to the size of
    ten seconds and three crops at random places, is left out: the whole clip would have to be in
    memory, and of an hour it would hear 30 seconds and a map with a frame every 3.6 seconds.

    Clips with more than 30 windows are read in blocks: memory does not grow with their length.

    ``"larger_clap_music"``, another release of LAION, is refused, because its file is broken: it
    gives all texts the same vector [2]_.

    References
    ----------
    .. [1] Y. Wu, K. Chen, T. Zhang, Y. Hui, T. Berg-Kirkpatrick and S. Dubnov, "Large-scale
       contrastive language-audio pretraining with feature fusion and keyword-to-caption
       augmentation", ICASSP 2023, arXiv 2211.06687.

    .. [2] https://github.com/embeddings-benchmark/mteb/issues/5069

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import CLAPTransformer
    >>> clips = [np.random.default_rng(0).normal(size=48000) / 10]
    >>> transformer = CLAPTransformer(weights=None, random_state=0)
    >>> transformer.fit_transform(clips).shape
    (1, 512)
    >>> transformer.set_params(mode="frame", frame_length=0.5, hop_length=0.5)
    CLAPTransformer(frame_length=0.5, hop_length=0.5, mode='frame', random_state=0,
                    weights=None)
    >>> transformer.transform(clips).shape
    (1, 2, 512)
    >>> transformer.frame_times(2, duration=0.75)
    array([[0.  , 0.5 ],
           [0.25, 0.75]])
    """

    _model = "clap"
    _rate = RATE
    _pools_windows = True

    _parameter_constraints = {
        **SoundTransformer._parameter_constraints,
        "output": [StrOptions({"embedding", "hidden", "log_mel"})],
        "frame_length": [SECONDS],
        "hop_length": [SECONDS],
    }

    def __init__(
        self,
        weights="clap-htsat-unfused",
        *,
        mode="clip",
        output="embedding",
        frame_length=10.0,
        hop_length=10.0,
        sampling_rate=48000,
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
        self.sampling_rate = sampling_rate
        self.normalize = normalize
        self.batch_size = batch_size
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    def shared_space(self):
        """Name of the space that the vectors share with those of texts.

        Returns
        -------
        str or None
            That of the weights for ``output="embedding"``; None for the others, which share
            their space with nothing.

        Examples
        --------
        >>> from skw2c import CLAPTransformer
        >>> CLAPTransformer().shared_space()
        'clap'
        >>> CLAPTransformer("larger_clap_general").shared_space()
        'larger_clap_general'
        """
        entry = registration_of(self)
        return entry and entry.space if self.output == "embedding" else None

    def suggest_temperature(self):
        """What cosines with texts are to be divided by, so that a softmax gives probabilities.

        Returns
        -------
        float
            What was learned in training.

        Examples
        --------
        >>> from skw2c import CLAPTransformer
        >>> CLAPTransformer(weights=None, random_state=0).fit().suggest_temperature()
        0.07
        """
        return self._network().temperature

    def partner_parameters(self, embeds):
        """Parameters that the encoder of texts takes over: the weights, which hold both.

        Parameters
        ----------
        embeds : str
            What the partner embeds.

        Returns
        -------
        dict
        """
        return {"weights": self.weights} if embeds == "text" else {}

    def _refer_to_weights(self):
        if self.weights is None:
            return super()._refer_to_weights()
        return refer_to(self.weights, self._model, folders=True, progress=bool(self.verbose))

    def _framing(self):
        if self.mode == "clip":
            return Framing(WINDOW_LENGTH, WINDOW_LENGTH, align_tail=True)
        length, hop = self._to_samples("frame_length"), self._to_samples("hop_length")
        if length > WINDOW_LENGTH:
            raise ValueError(
                f"frame_length={self.frame_length!r} seconds is more than the "
                f"{WINDOW_LENGTH // RATE} that CLAP hears at once"
            )
        return Framing(length, hop, align_tail=True)

    def _pool(self):
        return average_directions if self.output == "embedding" else average

    def _network(self):
        return get_frozen_clap(self.weights_, self.device)

    def _graph(self):
        return graph_clap(self.weights_, self.output)
