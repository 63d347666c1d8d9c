"""CED, small transformers that score the classes of AudioSet."""

from ._ced_front_end import RATE, SHORTEST
from ._ced_graph import graph_ced
from ._frozen_ced import FrozenCED, get_frozen_ced

__all__ = ["RATE", "SHORTEST", "FrozenCED", "get_frozen_ced", "graph_ced"]
