"""What the docstrings of encoders, and of estimators with an encoder, have in common."""

from ..validation._input_parameters import COLUMNS, SAMPLING_RATE

_DEVICE = """Where the network runs: ``"auto"`` (a CUDA GPU if there is one, else the CPU), or a
torch device such as ``"cpu"``, ``"cuda:1"`` or ``"mps"``."""
_DEVICE_OF_SOUND = f"""{_DEVICE} ``"onnxruntime"`` is the CPU through ONNX Runtime, for the encoders
that can be exported (extra ``export``, but for Wav2CLIP's networks): equal within 1e-5. The network
is exported in memory first, which takes seconds."""
_MEMORY = """Where to keep the vectors, each found again by the content of its file and the
configuration: adding 10 files to a folder of 10,000 computes 10, and an interrupted run goes on.
They are plain numbers with a checksum, and what does not fit it is computed again. A file elsewhere
is known by what its server tells of it, unread. Of a joblib.Memory only the folder is used."""
_LISTS_FAILURES = "which carries the list of failures"
_STOPS = '``"raise"`` stops with an error that names row and file.'
_SECONDS_BETWEEN = "Time from the start of one window to the next, in seconds"

_EVERY = {
    "normalize": ("bool", "Whether to scale each vector to unit length."),
    "device": ("str", _DEVICE),
    "memory": ("str, Path, joblib.Memory or None", _MEMORY),
    "verbose": ("bool or int", "Whether to show a progress bar."),
}

SOUND = {
    **_EVERY,
    "device": ("str", _DEVICE_OF_SOUND),
    **COLUMNS,
    **SAMPLING_RATE,
    "frame_length": ("float", "Length of a window in seconds, in frame mode."),
    "hop_length": ("float", f"{_SECONDS_BETWEEN}."),
    "n_jobs": (
        "int or None",
        """Threads that read and decode clips ahead while the network works. None is one, -1 as
        many as there are processors. On a CPU each thread also runs the network for the clips it
        reads, and there are at least as many of them as torch uses for itself
        (`torch.get_num_threads`, but no more than 8), so that a larger number helps only where
        reading is slow.""",
    ),
    "on_error": (
        '{"raise", "nan"}',
        f"""What to do with a clip that cannot be read. {_STOPS} ``"nan"`` keeps its row as NaN and
        issues one :class:`~skw2c.exceptions.FailedClipWarning`, {_LISTS_FAILURES}. In frame mode
        such a row has as many windows as all others have, or else one.""",
    ),
    "random_state": (
        "int, RandomState instance or None",
        "Determines the untrained network of ``weights=None``.",
    ),
    "weights_": (
        "WeightsReference",
        "Which weights ``fit`` found. Pickles carry this, not the network.",
    ),
}
"""Of the encoders of sound."""

IMAGES = {
    **SOUND,
    "device": ("str", _DEVICE),
    "n_jobs": (
        "int or None",
        """Threads that read and resize images ahead while the network works. None is one, -1 as
        many as there are processors.""",
    ),
    "n_features_in_": ("int", "Number of columns of X, where X was a DataFrame: 1."),
    "feature_names_in_": (
        "ndarray of shape (1,)",
        "Name of the column of X, where X was a DataFrame.",
    ),
}
"""Of the encoders of images, videos and texts."""

CLIP = {
    **IMAGES,
    "model": (
        "str or Path",
        """Name of a model in open_clip, or a folder with a file ``open_clip_config.json`` (and
        weights beside it). The default is the teacher of Wav2CLIP, so that the vectors can be
        compared with those of sounds.""",
    ),
    "pretrained": (
        "str, Path or None",
        """Tag of weights that open_clip knows for the model, fetched once into the cache (the
        folder named by the environment variable ``SKW2C_CACHE``, or the platform's cache folder);
        or the path of a checkpoint. None draws an untrained model from ``random_state``. Where
        ``model`` is a folder, any tag means the weights in it. For ``model="RN50-quickgelu"``
        there are also ``"audioclip-full"`` and ``"audioclip-partial"``, the CLIP beside the sounds
        of :class:`~skw2c.AudioCLIPTransformer`.""",
    ),
    "random_state": (
        "int, RandomState instance or None",
        "Determines the untrained model of ``pretrained=None``.",
    ),
    "weights_": (
        "CLIPReference",
        "Which model and weights ``fit`` found. Pickles carry this, not the network.",
    ),
}
"""Of CLIP's encoders."""

WITH_ENCODER = {
    **SOUND,
    "hop_length": ("float", f"{_SECONDS_BETWEEN}, in frame mode."),
    "tail": (
        '{"pad", "drop"}',
        """What to do with an incomplete last window, in frame mode: padded with zeros, so that
        all of a clip is heard, or dropped.""",
    ),
    "device": ("str", "Where the networks run, see :class:`Wav2CLIPTransformer`."),
    "n_jobs": (
        "int or None",
        "Threads that read clips ahead, see :class:`Wav2CLIPTransformer`.",
    ),
    "memory": (
        "str, Path, joblib.Memory or None",
        "Where to keep the vectors of clips, see :class:`Wav2CLIPTransformer`.",
    ),
    "encoder_": ("transformer", "The fitted encoder."),
}
"""Of the estimators that have an encoder of sound."""
