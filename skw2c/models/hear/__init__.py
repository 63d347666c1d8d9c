"""Modules of the HEAR API: run as a frozen encoder, and held to what they state."""

from ._frozen_hear import FrozenHEAR, get_frozen_hear
from ._hear_module import FUNCTIONS, HEARReference, find_module
from ._time_grid import TimeGrid

__all__ = [
    "FUNCTIONS",
    "FrozenHEAR",
    "HEARReference",
    "TimeGrid",
    "find_module",
    "get_frozen_hear",
]
