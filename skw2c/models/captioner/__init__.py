"""The decoder that turns vectors into words, and its search for the best sentence."""

from ._beam_search import search_captions
from ._caption_decoder import (
    END,
    PAD,
    START,
    UNKNOWN,
    CaptionDecoder,
    get_caption_decoder,
    pad_frames,
)
from ._captioning import Captioning

__all__ = [
    "END",
    "PAD",
    "START",
    "UNKNOWN",
    "CaptionDecoder",
    "Captioning",
    "get_caption_decoder",
    "pad_frames",
    "search_captions",
]
