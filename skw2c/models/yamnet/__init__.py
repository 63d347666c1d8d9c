"""YAMNet, a network that tells the classes of AudioSet, and the names of these."""

from ._classes import audioset_classes
from ._front_end import WINDOW_LENGTH
from ._frozen import FrozenYAMNet, get_frozen_yamnet

__all__ = ["WINDOW_LENGTH", "FrozenYAMNet", "audioset_classes", "get_frozen_yamnet"]
