"""Wav2CLIPTransformer: clips in, a table of vectors out."""

from sklearn.utils._param_validation import StrOptions

from ..models._framing import Framing
from ..models.students import get_frozen_student
from ..models.wav2clip._portable_wav2clip import FLOAT32, INT8
from ..models.wav2clip._wav2clip_flow import Wav2CLIPFlow
from ..system._docstrings import document_shared
from ..validation._intervals import SECONDS
from ._embedding import average, average_directions
from ._encoder_registry import register_encoder
from ._shared_parameters import SOUND
from ._sound_transformer import SoundTransformer
from ._taught_space import read_space, temperature_of, words_of


@register_encoder("wav2clip", embeds="audio", space="clip")
@register_encoder(
    "mini", embeds="audio", space="mini", parameters={"weights": "mini", "output": "words"}
)
@document_shared(SOUND)
class Wav2CLIPTransformer(SoundTransformer):
    """Embed sound as vectors in the space of CLIP's images and texts.

    Each clip is decoded, mixed down to mono, resampled to 16 kHz and embedded by the
    frozen audio encoder of Wav2CLIP [1]_. ``fit`` finds the weights; nothing is trained.

    Parameters
    ----------
    weights : str, Path, WeightsReference or None, default="wav2clip"
        ``"wav2clip"`` is the official release (CC BY 4.0), fetched once into the cache
        (the folder named by the environment variable ``SKW2C_CACHE``, or the platform's
        cache folder). ``"mini"`` is a smaller encoder, none of the authors', which comes
        with the package and needs no network (CC BY-SA 4.0; its model card is ``mini.md``
        in the folder ``skw2c/weights``). A path reads a checkpoint in the official format,
        ``.pt`` or ``.safetensors``. What :class:`~skw2c.Distiller` trained is read from its
        files, or taken from its attribute ``weights_``. None draws an untrained encoder
        from ``random_state``.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` gives one vector per clip, ``"frame"`` one per window of
        ``frame_length`` seconds.

    output : {"embedding", "words", "encoder"}, default="embedding"
        ``"embedding"`` is the projected vector, comparable with CLIP's vectors of images and
        texts. ``"words"`` is comparable with the texts of :class:`MiniTextEncoder`; only
        ``weights="mini"`` and its kind have it. ``"encoder"`` is the vector before the
        projection.

    frame_length, hop_length : shared
        As described in ``_shared_parameters``.

    tail : {"drop", "pad"}, default="drop"
        What to do with an incomplete last window: dropped as in the original program, or
        padded with zeros. A clip shorter than one window is always padded to one.

    sampling_rate, normalize : shared
        As described in ``_shared_parameters``.

    batch_size : int, default=32
        Most clips (or windows, in frame mode) that the network takes at once. Long clips
        go in smaller batches. The batch does not influence the vectors.

    device : str, default="auto"
        Where the network runs: ``"auto"`` (a CUDA GPU if there is one, else the CPU), or
        a torch device such as ``"cpu"``, ``"cuda:1"`` or ``"mps"``. ``"openvino"`` is the
        CPU through OpenVINO (extra ``openvino``): faster for many clips, and equal within
        1e-5. ``"onnxruntime"`` is the CPU through ONNX Runtime, equal within 1e-5, too: it needs
        no torch where the weights are ``"mini"`` or a safetensors file of a network of Wav2CLIP,
        and is what ``"auto"`` means where torch is not installed. With ``"cpu"`` it runs the
        network of ``"mini"``, too, whose many small layers take longer in torch.

    precision : {"float32", "int8"}, default="float32"
        What the network's convolutions compute in. ``"int8"`` multiplies integers of eight bits,
        through ONNX Runtime (``device`` must be ``"auto"`` or ``"onnxruntime"``). The residual
        networks of Wav2CLIP are 1.8 times as fast so; mini's gains little. The vectors are close
        to those of ``"float32"`` and not the same, so that an index holds those of one precision.
        Networks of EfficientAT have none. The first use in a process takes two or three seconds
        longer, in which the network is run on generated sounds.

    n_jobs, memory, on_error, random_state, verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    skw2c.load_audio : Load one clip the way this transformer hears it.
    skw2c.datasets.make_sound_events : Generated clips to try it on.

    Notes
    -----
    X is a collection of clips: a list, tuple, deque, Series, column of pyarrow or polars,
    one-column DataFrame or object array. Their lengths may differ. A clip is

    - a path, or an array, tensor or list of samples at ``sampling_rate``;
    - a member of an archive, ``"archive.zip::rain.wav"``, or an address such as
      ``"s3://bucket/rain.wav"`` (extra ``remote``), which is brought into a temporary file;
    - samples that bring their rate, which then counts: a pair (samples, rate), a dict with
      ``"array"`` and ``"sampling_rate"`` as data sets of Hugging Face have it, or a decoder of
      torchcodec;
    - a file in memory: bytes, a file that is open for reading bytes, or a dict with ``"bytes"``
      and perhaps ``"path"``. It gives the vectors of the file, to the bit.

    Any other X is a table of clips x samples, which as every table in scikit-learn keeps its
    width from ``fit`` to ``transform``. Integer samples of 8, 16 and 32 bits, signed or not,
    are PCM and scaled by their type.

    Files are read at 500 Hz to 10 MHz, and only where their content shows what they are: raw
    samples without a header are refused, and so are pipes and devices. A warning names clips
    whose channels cancel each other out in the mono mix.

    The original program standardises the spectrogram over the whole batch; here it is
    standardised clip by clip, which is what the original gives for one clip at a time. In
    frame mode the statistics are those of all windows of the clip together. A silent clip
    has a finite vector.

    What :class:`~skw2c.Distiller` trained says by itself which network it is, and so at which
    rate it hears. Those of EfficientAT (``"mn04"`` and the like) hear 32 kHz, and depend on how
    loud clips are. They average over all of what they hear at once: in clip mode a clip
    longer than ten seconds is cut into windows of ten, of which the last one ends with the clip,
    and its vector is the mean of theirs, scaled to unit length first if ``output="embedding"``.

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

    _model = "wav2clip"
    # Those of the release; students say by themselves what they hear.
    _rate = Wav2CLIPFlow.sampling_rate
    _shortest = Wav2CLIPFlow.shortest
    _clip_framing = Wav2CLIPFlow.clip_framing

    _parameter_constraints = {
        **SoundTransformer._parameter_constraints,
        "output": [StrOptions({"embedding", "words", "encoder"})],
        "frame_length": [SECONDS],
        "hop_length": [SECONDS],
        "tail": [StrOptions({"drop", "pad"})],
        "precision": [StrOptions({FLOAT32, INT8})],
    }

    def __init__(
        self,
        weights="wav2clip",
        *,
        mode="clip",
        output="embedding",
        frame_length=1.0,
        hop_length=1.0,
        tail="drop",
        sampling_rate=16000,
        normalize=False,
        batch_size=32,
        device="auto",
        precision="float32",
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
        self.precision = precision
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    def shared_space(self):
        """Name of the space that the vectors share with those of texts or images.

        Returns
        -------
        str or None
            ``"clip"`` for ``output="embedding"``, or the space of the teacher where this is a
            student of an encoder of sound; ``"mini"`` for ``output="words"``; None for
            ``output="encoder"``, which shares its space with nothing.

        Examples
        --------
        >>> from skw2c import Wav2CLIPTransformer
        >>> Wav2CLIPTransformer("mini", output="words").shared_space()
        'mini'
        """
        if self.output == "embedding":
            return read_space(self).get("space", "clip")
        return "mini" if self.output == "words" else None

    def suggest_temperature(self):
        """What cosines with texts are to be divided by, so that a softmax gives probabilities.

        Returns
        -------
        float or None
            0.03 for ``output="words"``, with which the mean probability of the best of the ten
            classes of ESC-10 is that of being right; that of the teacher, for a student of an
            encoder of sound; None leaves it to who asks.

        Examples
        --------
        >>> from skw2c import Wav2CLIPTransformer
        >>> Wav2CLIPTransformer("mini", output="words").suggest_temperature()
        0.03
        """
        if self.output == "embedding":
            return temperature_of(read_space(self))
        return 0.03 if self.output == "words" else None

    def partner_parameters(self, embeds):
        """Parameters that the encoder of texts takes over.

        Parameters
        ----------
        embeds : str
            What the partner embeds.

        Returns
        -------
        dict
            The weights, where the words are in the same file, or in that of the teacher.
        """
        if embeds != "text" or self.output == "encoder":
            return {}
        if self.output == "words":
            return {"weights": self.weights}
        words = words_of(read_space(self))
        return {} if words is None else {"weights": words}

    def _adopt(self, reference):
        super()._adopt(reference)
        network = self._network()
        self._rate, self._shortest = network.sampling_rate, network.shortest
        self._clip_framing = network.clip_framing
        self._framing()
        if self.output not in self._widths:
            raise ValueError(
                f"{reference.label} has no output={self.output!r}: choose "
                f"{' or '.join(map(repr, self._widths))}, or weights='mini'"
            )
        return self

    @property
    def _pools_windows(self):
        return self._clip_framing is not None

    def _pool(self):
        return average_directions if self.output == "embedding" else average

    def _framing(self):
        length = self._to_samples("frame_length", self._shortest, "the spectrogram needs")
        hop = self._to_samples("hop_length")
        if self.mode == "clip" and self._clip_framing is not None:
            return self._clip_framing
        return Framing(length, hop, pad_tail=self.tail == "pad")

    def _network(self):
        return get_frozen_student(self.weights_, self.device, self.precision)

    def _configuration(self):
        # Files of vectors that were kept before there was a choice stay valid.
        return () if self.precision == FLOAT32 else (self.precision,)

    def _graph(self):
        if self.precision != FLOAT32:
            raise ValueError(
                f"an encoder with precision={self.precision!r} cannot be exported: files hold "
                "networks in float32. Choose precision='float32'"
            )
        from ..models.students import graph_student  # needs torch

        return graph_student(self.weights_, self.output)
