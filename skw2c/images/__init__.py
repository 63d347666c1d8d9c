"""Pictures and videos in: decoding, upright and in RGB, and nothing of networks."""

from ._image import FileImage, MemoryImage, as_image
from ._video import VideoFile

__all__ = [
    "FileImage",
    "MemoryImage",
    "VideoFile",
    "as_image",
]
