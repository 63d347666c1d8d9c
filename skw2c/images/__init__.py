"""Images and videos in: decoded, upright and in RGB. Knows no network, and no X."""

from ._image import FileImage, MemoryImage, as_image
from ._video import VideoFile

__all__ = [
    "FileImage",
    "MemoryImage",
    "VideoFile",
    "as_image",
]
