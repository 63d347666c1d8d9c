"""Sound in: decoding, mixing down, resampling, and the door for X. Knows no network."""

from ._clip import ArrayClip, FileClip, as_clip, load_audio, read_up_to, tensor_to_array
from ._door import list_clips, warn_of_integer_range

__all__ = [
    "ArrayClip",
    "FileClip",
    "as_clip",
    "list_clips",
    "load_audio",
    "read_up_to",
    "tensor_to_array",
    "warn_of_integer_range",
]
