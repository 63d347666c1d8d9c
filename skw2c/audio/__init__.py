"""Sound in: decoding, mixing down, resampling; what can be a clip. Knows no network."""

from ._heard import Heard, warn_of_cancellation, warn_of_scale
from ._items import as_clip, is_clip, is_encoded, is_mapping, is_pair
from ._load import load_audio
from ._rate import HIGHEST_RATE, check_rate
from ._sources import ArrayClip, Clip, FileClip, read_up_to

__all__ = [
    "HIGHEST_RATE",
    "ArrayClip",
    "Clip",
    "FileClip",
    "Heard",
    "as_clip",
    "check_rate",
    "is_clip",
    "is_encoded",
    "is_mapping",
    "is_pair",
    "load_audio",
    "read_up_to",
    "warn_of_cancellation",
    "warn_of_scale",
]
