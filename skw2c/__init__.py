"""Sound as vectors in the space of pictures and texts, for scikit-learn pipelines."""

import importlib

from ._version import __version__

_PUBLIC = {
    "AudioCLIPFineTuner": "._audioclip_fine_tuner",
    "AudioCLIPTransformer": "._audioclip_transformer",
    "AudioCaptioner": "._audio_captioner",
    "AudioIndex": "._audio_index",
    "AudioToImage": "._audio_to_image",
    "CLIPImageEncoder": "._clip_image_encoder",
    "CLIPTextEncoder": "._clip_text_encoder",
    "CLIPVideoEncoder": "._clip_video_encoder",
    "ClipShards": ".training._shards",
    "Distiller": "._distiller",
    "OpenL3ImageTransformer": "._openl3_image_transformer",
    "OpenL3Transformer": "._openl3_transformer",
    "SupervisedAudioClassifier": "._supervised_audio_classifier",
    "Wav2CLIPTransformer": "._wav2clip_transformer",
    "load_audio": ".audio",
    "YAMNetClassifier": "._yamnet_classifier",
    "YAMNetTransformer": "._yamnet_transformer",
    "ZeroShotClassifier": "._zero_shot_classifier",
    "make_small_world": "._small_world",
    "prettify_label": "._labels",
    "write_shards": "._shard_writer",
    "datasets": None,
    "metrics": None,
    "exceptions": None,
    "weights": None,
}

__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name):
    # Everything is imported on first use, so that `import skw2c` costs nothing.
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _PUBLIC[name]
    if home is None:
        return importlib.import_module(f".{name}", __name__)
    return getattr(importlib.import_module(home, __name__), name)


def __dir__():
    return sorted({*globals(), *_PUBLIC})
