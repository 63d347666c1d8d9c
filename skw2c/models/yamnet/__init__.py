"""YAMNet, a network that scores the classes of AudioSet, and their names."""

from ._audioset_classes import audioset_classes
from ._frozen_yamnet import FrozenYAMNet, get_frozen_yamnet
from ._yamnet_front_end import WINDOW_LENGTH
from ._yamnet_graph import graph_yamnet

__all__ = ["WINDOW_LENGTH", "FrozenYAMNet", "audioset_classes", "get_frozen_yamnet", "graph_yamnet"]
