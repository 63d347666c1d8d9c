"""Audio embeddings in a space shared with images and text, for scikit-learn pipelines."""

import importlib

from ._version import __version__

_PUBLIC = {
    "AudioCLIPFineTuner": ".classifiers._audioclip_fine_tuner",
    "AudioCLIPTransformer": ".transformers._audioclip_transformer",
    "AudioCaptioner": ".captioning._audio_captioner",
    "AudioIndex": ".search._audio_index",
    "AudioToImage": ".generation._audio_to_image",
    "CEDTransformer": ".transformers._ced_transformer",
    "CLAPTextEncoder": ".transformers._clap_text_encoder",
    "CLAPTransformer": ".transformers._clap_transformer",
    "CLIPImageEncoder": ".transformers._clip_image_encoder",
    "CLIPTextEncoder": ".transformers._clip_text_encoder",
    "CLIPVideoEncoder": ".transformers._clip_video_encoder",
    "ClipShards": ".training._clip_shards",
    "Distiller": ".distillation._distiller",
    "EfficientATTransformer": ".transformers._efficientat_transformer",
    "HEARTransformer": ".transformers._hear_transformer",
    "HuggingFaceAudioTransformer": ".transformers._hugging_face_audio_transformer",
    "MiniTextEncoder": ".transformers._mini_text_encoder",
    "OpenL3ImageTransformer": ".transformers._openl3_image_transformer",
    "OpenL3Transformer": ".transformers._openl3_transformer",
    "SupervisedAudioClassifier": ".classifiers._supervised_audio_classifier",
    "Wav2CLIPTransformer": ".transformers._wav2clip_transformer",
    "embed_corpus": ".corpus._embed_corpus",
    "list_encoders": ".transformers._encoder_table",
    "load_audio": ".audio",
    "YAMNetClassifier": ".classifiers._yamnet_classifier",
    "YAMNetTransformer": ".transformers._yamnet_transformer",
    "ZeroShotClassifier": ".classifiers._zero_shot_classifier",
    "make_encoder": ".transformers._encoder_registry",
    "make_small_world": ".distillation._small_world",
    "prettify_label": ".transformers._labels",
    "register_encoder": ".transformers._encoder_registry",
    "write_shards": ".distillation._write_shards",
    "datasets": None,
    "metrics": None,
    "mteb": None,
    "exceptions": None,
    "hear": None,
    "search": None,
    "weights": None,
    "xares": None,
}

__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name):
    # Everything is imported on first use, so that `import skw2c` costs nothing.
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _PUBLIC[name]
    if home is None:
        return _import_home(f".{name}", f"skw2c.{name}")
    return getattr(_import_home(home, name), name)


def _import_home(home, name):
    try:
        return importlib.import_module(home, __name__)
    except ImportError as exc:
        from .system._optional import is_lack_of_torch, need_torch

        if is_lack_of_torch(exc):
            need_torch(name)
        raise


def __dir__():
    return sorted({*globals(), *_PUBLIC})
