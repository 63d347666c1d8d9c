"""Sound in: decoded, mixed down and resampled; what can be a clip. Knows no network, and no X."""

from ._items import as_clip, is_clip, is_encoded, is_mapping, is_pair
from ._levels import Levels, warn_of_cancellation, warn_of_scale
from ._load import load_audio
from ._rate import HIGHEST_RATE, check_rate
from ._sound_clip import ArrayClip, FileClip, SoundClip, read_up_to, read_whole

__all__ = [
    "HIGHEST_RATE",
    "ArrayClip",
    "FileClip",
    "Levels",
    "SoundClip",
    "as_clip",
    "check_rate",
    "is_clip",
    "is_encoded",
    "is_mapping",
    "is_pair",
    "load_audio",
    "read_up_to",
    "read_whole",
    "warn_of_cancellation",
    "warn_of_scale",
]
