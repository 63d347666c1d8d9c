"""Which models are run, and how; all others are refused with the reason."""

from __future__ import annotations

from ...exceptions import WeightsError
from ._library import import_transformers, look_up
from ._sound_models import PatchModel, SoundModel, WaveformModel, WhisperEncoder

_BY_NAME = {"audio-spectrogram-transformer": PatchModel, "whisper": WhisperEncoder}
_AST_RATE = 16000


def find_kind(config, source: str) -> type[SoundModel]:
    """The kind of model that a configuration describes.

    Raises
    ------
    WeightsError
        If it is none that can be checked, or hears no sound.
    """
    if config.model_type in _BY_NAME:
        return _BY_NAME[config.model_type]
    if _is_of_waveforms(config):
        return WaveformModel
    raise WeightsError(f"{source} is of the kind {config.model_type!r}, {_why_not(config)}.")


def check_extractor(config, extractor, source: str) -> None:
    """Refuse a feature extractor that the model's front end cannot be checked with.

    Raises
    ------
    WeightsError
    """
    kind = look_up("FEATURE_EXTRACTOR_MAPPING", config)
    if kind is not None and not isinstance(extractor, kind):
        raise WeightsError(
            f"{source} has a feature extractor of the class {type(extractor).__name__}, and "
            f"the kind {config.model_type!r} has {kind.__name__}: the model would not hear what it "
            "was trained on."
        )
    if _BY_NAME.get(config.model_type) is PatchModel and extractor.sampling_rate != _AST_RATE:
        raise WeightsError(
            f"{source} has a feature extractor at {extractor.sampling_rate!r} Hz. The front end of "
            f"an audio spectrogram transformer is made for {_AST_RATE}."
        )


def _is_of_waveforms(config) -> bool:
    """Whether a network is built as wav2vec 2.0 is."""
    kernels, strides = (getattr(config, name, None) for name in ("conv_kernel", "conv_stride"))
    if not (kernels and strides) or getattr(config, "is_encoder_decoder", False):
        return False
    network = look_up("MODEL_MAPPING", config)
    extractor = look_up("FEATURE_EXTRACTOR_MAPPING", config)
    return (
        hasattr(network, "_get_feat_extract_output_lengths")
        and getattr(network, "main_input_name", None) == "input_values"
        and getattr(extractor, "__name__", None) == "Wav2Vec2FeatureExtractor"
    )


def _why_not(config) -> str:
    if config.model_type == "clap":
        return (
            "whose feature extractor takes parts of long clips at random. Use "
            "CLAPTransformer(folder), which does not, and CLAPTextEncoder(folder) for texts in the "
            "same space"
        )
    if type(config) not in import_transformers().FEATURE_EXTRACTOR_MAPPING:
        return (
            "which hears no sound: transformers has no feature extractor of sound for it. Take a "
            "model of sound"
        )
    return (
        "which hears sound in a way that is not checked here, so that its vectors could silently "
        "be wrong. These are: the kin of wav2vec 2.0 (wav2vec2, hubert, wavlm, data2vec-audio, "
        "unispeech, unispeech-sat, sew, sew-d, wav2vec2-conformer), "
        "audio-spectrogram-transformer, and the encoder of whisper"
    )
