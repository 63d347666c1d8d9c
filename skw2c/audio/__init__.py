"""Sound in: decoding, mixing down, resampling, and the door for X. Knows no network."""

from ._heard import Heard, warn_of_cancellation, warn_of_scale
from ._items import as_clip, tensor_to_array
from ._load import load_audio
from ._rate import HIGHEST_RATE, check_rate
from ._sources import ArrayClip, Clip, FileClip, read_up_to
from ._validation import list_clips

__all__ = [
    "HIGHEST_RATE",
    "ArrayClip",
    "Clip",
    "FileClip",
    "Heard",
    "as_clip",
    "check_rate",
    "list_clips",
    "load_audio",
    "read_up_to",
    "tensor_to_array",
    "warn_of_cancellation",
    "warn_of_scale",
]
