"""Generated data: seeded clips, images and captions, and small models trained on them.

Everything works offline. What reads data sets of others belongs to ``benchmarks/readers``.
"""

from ._audiovisual_events import make_audiovisual_events
from ._frame_pairs import pair_frames
from ._parameter_checks import SOUND_KINDS
from ._small_clip import train_small_clip
from ._small_vqgan import train_small_vqgan
from ._sound_events import make_sound_events

__all__ = [
    "SOUND_KINDS",
    "make_audiovisual_events",
    "make_sound_events",
    "pair_frames",
    "train_small_clip",
    "train_small_vqgan",
]
