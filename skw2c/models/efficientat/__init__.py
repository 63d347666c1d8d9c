"""EfficientAT, convolutional networks that score the classes of AudioSet, and their names."""

from ._audioset_labels import audioset_labels
from ._efficientat_encoder import WIDTHS, EfficientATEncoder
from ._efficientat_front_end import SHORTEST
from ._efficientat_graph import graph_efficientat
from ._efficientat_network import EfficientAT
from ._efficientat_state import build_efficientat
from ._frozen_efficientat import FrozenEfficientAT, get_frozen_efficientat

__all__ = [
    "SHORTEST",
    "WIDTHS",
    "EfficientAT",
    "EfficientATEncoder",
    "FrozenEfficientAT",
    "audioset_labels",
    "build_efficientat",
    "get_frozen_efficientat",
    "graph_efficientat",
]
