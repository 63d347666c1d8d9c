"""Models of sound of the library transformers: found, read strictly, and run window by window."""

from ._frozen_hugging_face import FrozenHuggingFace, get_sound_model
from ._hub import find_in_cache, is_hub_name
from ._model_choice import refer_to_model
from ._windowing import FrameGrid, WindowGrid, Windowing

__all__ = [
    "FrameGrid",
    "FrozenHuggingFace",
    "WindowGrid",
    "Windowing",
    "find_in_cache",
    "get_sound_model",
    "is_hub_name",
    "refer_to_model",
]
