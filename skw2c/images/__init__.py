"""Pictures and videos in: decoding, upright and in RGB, and the door for X. Knows no network."""

from ._image import FileImage, MemoryImage, as_image
from ._validation import list_images, list_videos
from ._video import VideoFile

__all__ = [
    "FileImage",
    "MemoryImage",
    "VideoFile",
    "as_image",
    "list_images",
    "list_videos",
]
