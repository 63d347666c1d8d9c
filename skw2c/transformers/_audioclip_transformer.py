"""AudioCLIPTransformer: clips in, a table of vectors out."""

from numbers import Integral

from sklearn.utils._param_validation import Interval, StrOptions

from ..models import Framing
from ..models.audioclip import FrozenAudioCLIP, get_frozen_audioclip, graph_audioclip
from ..system._docstrings import document_shared
from ..validation._intervals import SECONDS
from ..weights import WeightsReference
from ._encoder_registry import register_encoder
from ._shared_parameters import SOUND
from ._sound_transformer import SoundTransformer

_BEFORE_AUDIOCLIP = "esresnext-fbsp"


@register_encoder("audioclip", embeds="audio", space="audioclip")
@document_shared(SOUND)
class AudioCLIPTransformer(SoundTransformer):
    """Embed sound as vectors in the space of the CLIP that AudioCLIP belongs to.

    Each clip is decoded, mixed down to mono, resampled to 44.1 kHz and embedded by
    ESResNeXt-fbsp, the frozen audio encoder of AudioCLIP [1]_. ``fit`` finds the weights;
    nothing is trained.

    Parameters
    ----------
    weights : str, Path, WeightsReference or None, default="audioclip-full"
        ``"audioclip-full"`` and ``"audioclip-partial"`` are the official releases (MIT),
        fetched once into the cache (the folder named by the environment variable
        ``SKW2C_CACHE``, or the platform's cache folder). In the first, CLIP was trained
        along with the audio encoder; in the second it is OpenAI's RN50. ``"esresnext-fbsp"``
        is the encoder as it was before, which classifies sound into the 527 classes of
        AudioSet. A path reads a checkpoint in the official format, ``.pt`` or
        ``.safetensors``. None draws an untrained encoder from ``random_state``.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` gives one vector per clip, ``"frame"`` one per window of
        ``frame_length`` seconds.

    output : {"embedding", "encoder"}, default="embedding"
        ``"embedding"`` is the vector comparable with those of images and texts (dimension 1024);
        with ``weights="esresnext-fbsp"`` it is the logits of the classes. ``"encoder"`` is
        the vector before the last layer (dimension 2048).

    frame_length, hop_length : shared
        As described in ``_shared_parameters``.

    tail : {"drop", "pad"}, default="drop"
        What to do with an incomplete last window: dropped, or padded with zeros. A clip
        shorter than one window is always padded to one.

    n_channels : int, default=1
        How often the encoder hears the clip. It adds up what it hears on all channels, and
        the authors gave it mono clips as two equal channels for UrbanSound8K, which doubles
        the vector before the last layer: 2 does the same.

    legacy_scaling : bool, default=False
        Whether to feed samples in [-1, 1] as if they were 16-bit integers, some 90 dB too
        quiet, as programs do that follow a widespread copy of the authors' notebook. Only
        to compare with their results.

    sampling_rate : shared
        As described in ``_shared_parameters``.

    normalize : bool, default=False
        Whether to scale each vector to unit length, as the original model does before it
        compares.

    batch_size : int, default=32
        Most clips (or windows, in frame mode) that the network takes at once. Long clips
        go in smaller batches. The batch does not influence the vectors.

    device, n_jobs, memory, on_error, random_state, verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    CLIPTextEncoder : Texts of the same space, ``CLIPTextEncoder("RN50-quickgelu",
        "audioclip-full")``.
    CLIPImageEncoder : Images of the same space, likewise.
    Wav2CLIPTransformer : A smaller encoder, for the space of CLIP's ViT-B/32.

    Notes
    -----
    X is a collection of clips, as for :class:`~skw2c.Wav2CLIPTransformer`: paths,
    one-dimensional arrays or tensors, or a table of clips x samples. Float samples are in
    [-1, 1]; integer samples of 8, 16 and 32 bits are PCM and scaled by their type. The
    original program takes floats in the range of 16-bit integers; a warning names the rows
    and files of such clips.

    The vectors of texts and images must be of the same release as those of sounds: those of
    ``"audioclip-full"`` are of no other CLIP.

    The network sees a clip as a whole. Clips longer than 60 seconds are read twice, in
    blocks, and give the same vectors: memory does not grow with their length. A silent clip
    has a finite vector.

    References
    ----------
    .. [1] A. Guzhov, F. Raue, J. Hees and A. Dengel, "AudioCLIP: Extending CLIP to image,
       text and audio", ICASSP 2022, arXiv 2106.13043.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import AudioCLIPTransformer
    >>> rng = np.random.default_rng(0)
    >>> clips = [rng.uniform(-0.5, 0.5, 44100), rng.uniform(-0.5, 0.5, 22050)]
    >>> transformer = AudioCLIPTransformer(weights=None, random_state=0)
    >>> transformer.fit_transform(clips).shape
    (2, 1024)
    >>> transformer.set_params(mode="frame", hop_length=0.5).frame_times(2)
    array([[0. , 1. ],
           [0.5, 1.5]])
    """

    _model = "audioclip"
    _rate = FrozenAudioCLIP.sampling_rate

    _parameter_constraints = {
        **SoundTransformer._parameter_constraints,
        "output": [StrOptions({"embedding", "encoder"})],
        "frame_length": [SECONDS],
        "hop_length": [SECONDS],
        "tail": [StrOptions({"drop", "pad"})],
        "n_channels": [Interval(Integral, 1, None, closed="left")],
        "legacy_scaling": ["boolean"],
    }

    def __init__(
        self,
        weights="audioclip-full",
        *,
        mode="clip",
        output="embedding",
        frame_length=1.0,
        hop_length=1.0,
        tail="drop",
        n_channels=1,
        legacy_scaling=False,
        sampling_rate=44100,
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
        self.n_channels = n_channels
        self.legacy_scaling = legacy_scaling
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
        """Name of the space that the vectors share with those of texts and images.

        Returns
        -------
        str or None
            ``"audioclip"``; None for ``output="encoder"`` and for the logits of
            ``weights="esresnext-fbsp"``, which share their space with nothing.

        Examples
        --------
        >>> from skw2c import AudioCLIPTransformer
        >>> AudioCLIPTransformer().shared_space()
        'audioclip'
        >>> AudioCLIPTransformer(output="encoder").shared_space() is None
        True
        """
        is_logits = getattr(self.weights, "name", self.weights) == _BEFORE_AUDIOCLIP
        return None if is_logits or self.output == "encoder" else "audioclip"

    def partner_parameters(self, embeds):
        """Parameters of the encoder of texts or images in the same file of weights.

        Parameters
        ----------
        embeds : {"text", "image", "video"}
            What the partner embeds.

        Returns
        -------
        dict
            The parameter ``pretrained``.
        """
        weights = self.weights
        if isinstance(weights, WeightsReference):
            weights = weights.path or weights.name
        return {"pretrained": weights}

    def _framing(self):
        length, hop = self._to_samples("frame_length"), self._to_samples("hop_length")
        return Framing(length, hop, pad_tail=self.tail == "pad")

    def _network(self):
        return get_frozen_audioclip(
            self.weights_,
            self.device,
            n_channels=self.n_channels,
            legacy_scaling=self.legacy_scaling,
        )

    def _graph(self):
        return graph_audioclip(
            self.weights_,
            self.output,
            n_channels=self.n_channels,
            legacy_scaling=self.legacy_scaling,
        )

    def _configuration(self):
        return (self.n_channels, self.legacy_scaling)

    @property
    def _heeds_scale(self):
        # Who asks for the other scale has chosen.
        return not self.legacy_scaling
