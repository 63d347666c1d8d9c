"""Networks in pure torch. They know tensors and arrays, neither files of sound nor X.

A folder for each network; what stands beside the folders is shared by several.
"""

from ._framing import Framing
from ._frozen_encoder import FrozenEncoder
from ._on_device import choose_device
from ._trainable import Trainable
from ._waveform_graph import EncoderGraph, Front, Tail
from .captioner import (
    END,
    PAD,
    START,
    UNKNOWN,
    CaptionDecoder,
    Captioning,
    get_caption_decoder,
    pad_frames,
    search_captions,
)
from .clip import FrozenCLIP, get_frozen_clip
from .students import (
    ARCHITECTURES,
    LOSSES,
    Classification,
    Distillation,
    build_student,
    check_width,
    describe_width,
    get_frozen_student,
    graph_student,
    hearing_of,
    restore_projection,
)
from .wav2clip import (
    SHORTEST,
    FrozenWav2CLIP,
    Wav2CLIP,
    build_wav2clip,
    random_wav2clip,
)

__all__ = [
    "ARCHITECTURES",
    "END",
    "LOSSES",
    "PAD",
    "SHORTEST",
    "START",
    "UNKNOWN",
    "CaptionDecoder",
    "Captioning",
    "Classification",
    "Distillation",
    "EncoderGraph",
    "Framing",
    "Front",
    "FrozenCLIP",
    "FrozenEncoder",
    "FrozenWav2CLIP",
    "Tail",
    "Trainable",
    "Wav2CLIP",
    "build_student",
    "build_wav2clip",
    "check_width",
    "choose_device",
    "describe_width",
    "get_caption_decoder",
    "get_frozen_clip",
    "get_frozen_student",
    "graph_student",
    "hearing_of",
    "pad_frames",
    "random_wav2clip",
    "restore_projection",
    "search_captions",
]
