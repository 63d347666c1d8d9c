"""CLIP of open_clip, frozen: texts and images to vectors."""

from ._frozen_clip import FrozenCLIP, get_frozen_clip

__all__ = ["FrozenCLIP", "get_frozen_clip"]
