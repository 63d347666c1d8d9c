"""CLAP of LAION: the networks of sound and of texts, frozen."""

from ._clap_front_end import RATE, WINDOW_LENGTH
from ._clap_graph import graph_clap
from ._clap_tokenizer import LONGEST
from ._frozen_clap import FrozenCLAP, FrozenCLAPText, get_frozen_clap, get_frozen_clap_text

__all__ = [
    "LONGEST",
    "RATE",
    "WINDOW_LENGTH",
    "FrozenCLAP",
    "FrozenCLAPText",
    "get_frozen_clap",
    "get_frozen_clap_text",
    "graph_clap",
]
