"""HuggingFaceAudioTransformer: clips in, a table of the vectors of a model of transformers out."""

from __future__ import annotations

import os
from dataclasses import replace
from numbers import Integral

from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..models.huggingface import (
    FrozenHuggingFace,
    find_in_cache,
    get_sound_model,
    is_hub_name,
    refer_to_model,
)
from ..system._docstrings import document_shared
from ..validation._intervals import SECONDS
from ._encoder_registry import register_nameless
from ._shared_parameters import SOUND
from ._sound_transformer import SoundTransformer


@register_nameless(embeds="audio")
@document_shared(SOUND)
class HuggingFaceAudioTransformer(SoundTransformer):
    """Embed sound with a model of the library transformers.

    The Hugging Face hub has thousands of models that were trained to hear: wav2vec 2.0, HuBERT,
    WavLM, data2vec, the Audio Spectrogram Transformer, Whisper. Each clip is decoded, mixed down
    to mono, resampled to the rate of the model and embedded by it, frozen. ``fit`` loads the
    model; nothing is trained. It needs the extra ``transformers``.

    Parameters
    ----------
    model : str, Path or tuple
        A folder with ``config.json``, ``preprocessor_config.json`` (or
        ``processor_config.json``) and ``model.safetensors`` (or ``pytorch_model.bin``), as
        ``save_pretrained`` writes it. Or a name on the Hugging Face hub, such as
        ``"facebook/hubert-base-ls960"``, which is fetched once into the hub's cache;
        ``"name@revision"`` names a branch, tag or commit of it. Or a pair
        ``(model, feature_extractor)`` of objects that you have loaded.

    layer : int or "mean", default=-1
        Which of the model's layers to take: -1 is the last, 1 the output of the first block, 0
        what goes into it. ``"mean"`` is the mean of all of them, 0 included. The last layer of
        models that were trained on sound alone is rarely the best; try one in the middle.

    mode : {"clip", "frame"}, default="clip"
        ``"clip"`` gives one vector per clip, the mean of those of its frames; ``"frame"`` one per
        frame, see `frame_times`.

    window_length : float or None, default=None
        Most seconds of a clip that the model hears at once; longer clips are cut. None is 30
        seconds. Time and memory grow with its square. Whisper and the Audio Spectrogram
        Transformer have windows of their own, and take None only.

    sampling_rate, normalize : shared
        As described in ``_shared_parameters``.

    batch_size : int, default=16
        Most windows of a clip that the model takes at once, on a GPU; on a CPU it is one. The
        batch does not influence the vectors.

    device, n_jobs, memory, on_error, verbose : shared
        As described in ``_shared_parameters``.

    Attributes
    ----------
    weights_ : WeightsReference
        Which model ``fit`` found: its folder and checksum; of a pair of objects the checksum
        alone. Pickles carry this, not the model.

    n_features_in_, feature_names_in_ : shared
        As described in ``_shared_parameters``.

    See Also
    --------
    CLAPTransformer : The models of CLAP, which are refused here.
    HEARTransformer : Models that come as a module of the HEAR API.

    Notes
    -----
    X is a collection of clips, as :class:`Wav2CLIPTransformer` takes it.

    Nothing that comes with a model is run or unpickled: the library's own class for its
    ``config.json`` is filled with the tensors of the file, which must have all that the network
    has and no more; only a head on top of it, such as that of a classifier, is left out. The
    network runs in single precision.

    These are run; all others are refused, since their vectors could silently be wrong:

    - Models of waveforms, built as wav2vec 2.0 is (wav2vec2, hubert, wavlm, data2vec-audio,
      unispeech, sew and more). They give about 50 frames per second: frame ``k`` sees the 400
      samples from sample ``320 k`` on, if the model's convolutions are the usual ones. Clips are
      never padded to a common length, which would change the vectors of many models even with
      an attention mask. A clip that is shorter than a frame is filled up with zeros. One of more
      frames than fit into a window is cut into windows that begin at multiples of as many frames;
      the last one begins earlier, so as to be full, and gives those frames alone that the
      others have not. So the frames are those of the whole clip, each once. As in training, each
      window is scaled to unit variance if the feature extractor says so.
    - The Audio Spectrogram Transformer, in windows of 10.24 seconds, the last of which ends with
      the clip. transformers by itself cuts a longer clip off. Each window is one frame. Its
      vector is the mean of the class and distillation tokens, as the model itself pools; its
      classifier was trained on that.
    - The encoder of Whisper, in windows of 30 seconds as above, and 50 frames per second. Zeros
      fill a shorter clip, as in training, and their frames do not count.

    Every frame of a clip counts the same in its vector. The last layer is what the network gives,
    after its final normalisation; the others are as they leave their block.

    A pair of objects is copied at ``fit``, so that yours stays as it is. It cannot be pickled or
    saved with an :class:`AudioIndex`; a folder can.

    Examples
    --------
    >>> from skw2c import HuggingFaceAudioTransformer
    >>> transformer = HuggingFaceAudioTransformer("facebook/hubert-base-ls960", layer=6)
    >>> transformer.fit_transform(["dog.wav", "rain.wav"]).shape  # doctest: +SKIP
    (2, 768)

    A small network of random weights, as an object:

    >>> import numpy as np
    >>> from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor
    >>> size = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    >>> network = HubertModel(HubertConfig(**size, num_hidden_layers=1, conv_dim=[8] * 7))
    >>> pair = network.eval(), Wav2Vec2FeatureExtractor()
    >>> transformer = HuggingFaceAudioTransformer(pair, mode="frame").fit()
    >>> transformer.transform([np.random.default_rng(0).normal(size=16000) / 10]).shape
    (1, 49, 16)
    >>> transformer.frame_times(2)
    array([[0.   , 0.025],
           [0.02 , 0.045]])
    """

    _model = "hugging-face"
    _pools_windows = True

    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in SoundTransformer._parameter_constraints.items()
            if name not in ("weights", "random_state")
        },
        "model": [str, os.PathLike, tuple],
        "layer": [Interval(Integral, None, None, closed="neither"), StrOptions({"mean"})],
        "window_length": [SECONDS, None],
    }

    def __init__(
        self,
        model,
        *,
        layer=-1,
        mode="clip",
        window_length=None,
        sampling_rate=16000,
        normalize=False,
        batch_size=16,
        device="auto",
        n_jobs=None,
        memory=None,
        on_error="raise",
        verbose=False,
    ):
        self.model = model
        self.layer = layer
        self.mode = mode
        self.window_length = window_length
        self.sampling_rate = sampling_rate
        self.normalize = normalize
        self.batch_size = batch_size
        self.device = device
        self.n_jobs = n_jobs
        self.memory = memory
        self.on_error = on_error
        self.verbose = verbose

    def fit(self, X=None, y=None):
        """Load the model and check the parameters; no clip is read.

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

        Raises
        ------
        OptionalDependencyError
            If the package ``transformers`` is not installed.
        WeightsError
            If the model can neither be found nor fetched, its files are damaged or do not fit
            each other, or it is of a kind that is not run here.
        ValueError
            If the model has no such layer, or does not hear windows of that length.
        """
        self.__dict__.pop("weights_", None)  # the windows are those of the model to come
        return super().fit(X, y)

    def frame_times(self, n_frames, duration=None):
        """Start and end of the first frames of a clip, in frame mode.

        Parameters
        ----------
        n_frames : int
            Number of frames.
        duration : float or None, default=None
            How long the clip is, in seconds (see `embed_with_durations`). It counts where a frame
            is a window, the last of which ends with the clip.

        Returns
        -------
        ndarray of shape (n_frames, 2), float64
            Seconds from the start of the clip: the samples that the frame stands for. Through
            attention its vector depends on the rest of the window, too.
        """
        check_is_fitted(self)
        return super().frame_times(n_frames, duration)

    def refer_to_described(self, description):
        """The reference that was described, wherever the hub's cache is on this machine.

        Parameters
        ----------
        description : dict
            What ``describe_weights`` gave.

        Returns
        -------
        WeightsReference
        """
        reference = super().refer_to_described(description)
        if os.path.isdir(reference.path or "") or not is_hub_name(self.model):
            return reference
        # By the word of a file nothing is fetched.
        return replace(reference, path=find_in_cache(self.model) or reference.path)

    def __sklearn_clone__(self):
        # A pair of objects is only read, and large.
        own = self.get_params(deep=False)
        copied = {name: clone(v, safe=False) for name, v in own.items() if name != "model"}
        twin = type(self)(self.model, **copied)
        if hasattr(self, "_sklearn_output_config"):
            twin._sklearn_output_config = dict(self._sklearn_output_config)
        return twin

    def __getstate__(self):
        if isinstance(self.model, tuple):
            raise TypeError(
                "A HuggingFaceAudioTransformer with loaded objects cannot be pickled, and so not "
                "be sent to other processes. Write them to a folder, "
                "model.save_pretrained(folder) and feature_extractor.save_pretrained(folder), and "
                "pass its path"
            )
        return super().__getstate__()

    def _adopt(self, reference):
        super()._adopt(reference)
        self._framing()
        return self

    @property
    def _rate(self):
        return self._sound_model()[0].sampling_rate

    @property
    def _heeds_scale(self):
        return self._sound_model()[0].heeds_scale

    def _output(self):
        return self.mode

    def _configuration(self):
        return (self._sound_model()[0].resolve_layer(self.layer),)

    def _framing(self):
        if not hasattr(self, "weights_"):
            return None  # the model knows
        return self._sound_model()[0].windowing(self.window_length)

    def _refer_to_weights(self):
        return refer_to_model(self.model)

    def _network(self):
        model, device = self._sound_model()
        return FrozenHuggingFace(model, model.resolve_layer(self.layer), self.batch_size, device)

    def _graph(self):
        raise ValueError(
            "A HuggingFaceAudioTransformer cannot be exported: its networks are those of the "
            "package transformers. Export the model with the tool of Hugging Face for that, "
            "optimum-cli export onnx"
        )

    def _sound_model(self):
        """The model, and the torch device that it is on."""
        pair = self.model if isinstance(self.model, tuple) else None
        return get_sound_model(self.weights_, pair, self.device)
