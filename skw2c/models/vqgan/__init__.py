"""VQGAN, which generates images from codes, and its guidance by CLIP."""

from ._frozen_vqgan import FrozenVQGAN, get_frozen_vqgan
from ._guidance import Guidance, GuidedGenerator, spherical_distance
from ._pixels import AUGMENTATIONS
from ._vqgan_network import VQGAN, VQGANConfiguration, random_vqgan
from ._vqgan_state import build_vqgan

__all__ = [
    "AUGMENTATIONS",
    "VQGAN",
    "FrozenVQGAN",
    "Guidance",
    "GuidedGenerator",
    "VQGANConfiguration",
    "build_vqgan",
    "get_frozen_vqgan",
    "random_vqgan",
    "spherical_distance",
]
