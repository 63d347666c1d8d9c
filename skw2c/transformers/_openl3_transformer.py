"""OpenL3Transformer: clips in, a table of OpenL3's embeddings out."""

from __future__ import annotations

import os
import re
from numbers import Integral

from sklearn.utils._param_validation import Options, StrOptions

from ..exceptions import WeightsError
from ..models import Framing
from ..models.openl3 import (
    AUDIO_SIZES,
    FRONTENDS,
    INPUT_REPRS,
    SAMPLING_RATE,
    get_frozen_openl3,
    graph_openl3,
)
from ..system._docstrings import document_shared
from ..validation._intervals import SECONDS
from ..weights import WeightsReference, refer_to
from ._encoder_registry import register_encoder
from ._shared_parameters import SOUND
from ._sound_transformer import SoundTransformer

# How the official files, torchopenl3's and our registry say what a network was trained on.
_NAMED_REPR = re.compile(r"openl3[_-](?:audio[_-])?(linear|mel128|mel256)[_-](?:music|env)")


@register_encoder("openl3", embeds="audio")
@document_shared(SOUND)
class OpenL3Transformer(SoundTransformer):
    """Embed sound with OpenL3, a network that learned from videos without labels.

    Each clip is decoded, mixed down to mono, resampled to 48 kHz and cut into windows of
    one second, which the frozen audio network of OpenL3 [1]_ embeds one by one. ``fit``
    finds the weights; nothing is trained. TensorFlow is not needed.

    Parameters
    ----------
    weights : str, Path, WeightsReference or None, default="openl3"
        ``"openl3"`` is the official file for ``content_type`` and ``input_repr``, version
        0.4 (CC BY 4.0), fetched once into the cache (the folder named by the environment
        variable ``SKW2C_CACHE``, or the platform's cache folder). A name of the registry,
        such as ``"openl3-audio-mel256-env"``, is one of these files, which ``input_repr``
        must fit. A path reads a file of OpenL3 (``.h5`` or ``.h5.gz``) or of torchopenl3
        (``.pth.tar``). None draws an untrained network from ``random_state``.

    content_type : {"music", "env"}, default="music"
        Videos that the official networks were trained on: people playing music, or sounds
        of the environment. The default is that of OpenL3. It says nothing where ``weights``
        is not ``"openl3"``.

    input_repr : {"linear", "mel128", "mel256"}, default="mel256"
        Spectrograms that the network was trained on.

    embedding_size : {512, 6144}, default=512
        Length of the vector of a window, see the Notes.

    frontend : {"kapre-0.1", "kapre-0.3", "librosa"}, default="kapre-0.1"
        How mel spectrograms are computed, see the Notes. The default is how they were when
        the networks were trained.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` gives one vector per clip, the mean over its windows; ``"frame"`` one
        per window.

    hop_length : float, default=0.1
        Time from the start of one window to the next, in seconds. The time that it takes
        to embed a clip goes with the number of windows: the default is ten times the work
        of 1.0.

    center : bool, default=True
        Whether half a second of zeros comes before the clip, so that window k is centred
        on ``k * hop_length`` seconds. Else it starts there.

    sampling_rate, normalize : shared
        As described in ``_shared_parameters``.

    batch_size : int, default=32
        Most windows that the network takes at once. On a CPU it takes two at a time, as
        more gain nothing. The batch does not influence the vectors.

    device, n_jobs, memory, on_error, random_state, verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_, n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    OpenL3ImageTransformer : The network of images that was trained with this one.
    Wav2CLIPTransformer : Embed sound in the space of CLIP.

    Notes
    -----
    X is a collection of clips, as :class:`Wav2CLIPTransformer` takes it.

    Windows go on until they hold the whole clip, the last one padded with zeros. There are
    ``1 + ceil((duration - length) / hop_length)`` of them, and at least one, where length is
    0.5 seconds, or 1 with ``center=False``:

    ========  ==================  ==================  ==================
    duration  hop 0.1, centred    hop 0.1             hop 1.0, centred
    ========  ==================  ==================  ==================
    1 s       6                   1                   2
    5 s       46                  41                  6
    10 s      96                  91                  11
    ========  ==================  ==================  ==================

    Windows that would begin after the end of the clip are left out, which happens where
    ``hop_length`` is more than a second.

    The vector of a window holds the largest values of each of 512 maps, which can be
    negative: over the whole map, or over parts of it. Both sizes are of the same weights.

    ==============  ===========================================================
    embedding_size  parts
    ==============  ===========================================================
    512             1
    6144            12: 4 of frequency, low to high, by 3 of time, first to last
    ==============  ===========================================================

    The same weights are in use with three kinds of mel spectrogram, which give different
    vectors. Compare vectors of one kind only.

    =============  ====================  =======================================
    frontend       of OpenL3             mel spectrogram
    =============  ====================  =======================================
    ``kapre-0.1``  up to 0.3             root of the power in bands of the HTK
                                         scale, zeros on both sides
    ``kapre-0.3``  from 0.4, by default  sum of magnitudes in bands of Slaney's
                                         scale, zeros at the end
    ``librosa``    from 0.4, as option   the same, mirrored on both sides
    =============  ====================  =======================================

    With ``input_repr="linear"`` all three are the same.

    OpenL3 resamples with resampy; here it is soxr, as for all clips of this package. The
    vectors of files that are not at 48 kHz differ a little for it. The files of OpenL3 0.1
    were trained with a defect of the front end, and 0.2 replaced them; they have the same
    layers and shapes, so that nothing warns of them.

    Clips with more than 64 windows are read in blocks: memory does not grow with their
    length.

    References
    ----------
    .. [1] A. L. Cramer, H.-H. Wu, J. Salamon and J. P. Bello, "Look, listen, and learn
       more: design choices for deep audio embeddings", ICASSP 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from skw2c import OpenL3Transformer
    >>> clips = [np.random.default_rng(0).normal(size=48000)]
    >>> transformer = OpenL3Transformer(weights=None, hop_length=0.5, random_state=0)
    >>> transformer.fit_transform(clips).shape
    (1, 512)
    >>> transformer.set_params(mode="frame", embedding_size=6144).transform(clips).shape
    (1, 2, 6144)
    >>> transformer.frame_times(2)
    array([[-0.5,  0.5],
           [ 0. ,  1. ]])
    """

    _model = "openl3-audio"
    _rate = SAMPLING_RATE
    _heeds_scale = False  # spectrograms are in decibels below their largest number
    _pools_windows = True

    _parameter_constraints = {
        **SoundTransformer._parameter_constraints,
        "content_type": [StrOptions({"music", "env"})],
        "input_repr": [StrOptions(set(INPUT_REPRS))],
        "embedding_size": [Options(Integral, set(AUDIO_SIZES))],
        "frontend": [StrOptions(set(FRONTENDS))],
        "hop_length": [SECONDS],
        "center": ["boolean"],
    }

    def __init__(
        self,
        weights="openl3",
        *,
        content_type="music",
        input_repr="mel256",
        embedding_size=512,
        frontend="kapre-0.1",
        mode="clip",
        hop_length=0.1,
        center=True,
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
        self.content_type = content_type
        self.input_repr = input_repr
        self.embedding_size = embedding_size
        self.frontend = frontend
        self.mode = mode
        self.hop_length = hop_length
        self.center = center
        self.sampling_rate = sampling_rate
        self.normalize = normalize
        self.batch_size = batch_size
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    def _output(self):
        return str(self.embedding_size)

    def _configuration(self):
        return (self.input_repr, self.frontend)

    def _framing(self):
        lead = self._rate // 2 if self.center else 0
        return Framing(self._rate, self._to_samples("hop_length"), pad_tail=True, lead=lead)

    def _name_of_weights(self):
        """Name of its weights in the registry of weights; None for those of a file or a seed."""
        if self.weights != "openl3":
            return super()._name_of_weights()
        return f"openl3-audio-{self.input_repr}-{self.content_type}"

    def _refer_to_weights(self):
        if self.weights != "openl3":
            return super()._refer_to_weights()
        return refer_to(self._name_of_weights(), self._model, progress=bool(self.verbose))

    def _network(self):
        _check_representation(self.weights_, self.input_repr)
        return get_frozen_openl3(self.weights_, self.device, self.input_repr, self.frontend)

    def _graph(self):
        return graph_openl3(self.weights_, self.input_repr, self.frontend, self.embedding_size)


def _check_representation(reference: WeightsReference, input_repr: str) -> None:
    """Compare with what a name says; the networks themselves look alike."""
    found = _NAMED_REPR.search(os.path.basename(reference.name or reference.path or ""))
    if found and found[1] != input_repr:
        raise WeightsError(
            f"{reference.label} is of a network that takes {found[1]!r}: pass it as input_repr, "
            f"which is {input_repr!r}."
        )
