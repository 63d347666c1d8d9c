"""Networks, most of them in torch. They know tensors and arrays, neither files of sound nor X.

A folder for each network; what stands beside the folders is shared by several.
"""

from ..system._lazy_names import import_lazily

_HOMES = {
    "ARCHITECTURES": "students",
    "END": "captioner",
    "LOSSES": "students",
    "PAD": "captioner",
    "SHORTEST": "wav2clip",
    "START": "captioner",
    "UNKNOWN": "captioner",
    "CaptionDecoder": "captioner",
    "Captioning": "captioner",
    "Classification": "students",
    "Distillation": "students",
    "EncoderGraph": "_waveform_graph",
    "Framing": "_framing",
    "Front": "_waveform_graph",
    "FrozenCLIP": "clip",
    "FrozenEncoder": "_frozen_encoder",
    "FrozenWav2CLIP": "wav2clip",
    "Tail": "_waveform_graph",
    "Trainable": "_trainable",
    "Wav2CLIP": "wav2clip",
    "build_student": "students",
    "build_wav2clip": "wav2clip",
    "check_width": "students",
    "choose_device": "_devices",
    "describe_width": "students",
    "get_caption_decoder": "captioner",
    "get_frozen_clip": "clip",
    "get_frozen_student": "students",
    "graph_student": "students",
    "hearing_of": "students",
    "pad_frames": "captioner",
    "random_wav2clip": "wav2clip",
    "restore_projection": "students",
    "search_captions": "captioner",
}

__all__ = [*_HOMES]

__getattr__ = import_lazily(__name__, _HOMES)
