"""Generated data: seeded clips, images and captions, and small models trained on them.

Everything works offline. What reads data sets of others belongs to ``benchmarks/readers``.
"""

from ..system._lazy_names import import_lazily
from ._audiovisual_events import make_audiovisual_events
from ._frame_pairs import pair_frames
from ._parameter_checks import SOUND_KINDS
from ._sound_events import make_sound_events

# They train networks, which needs torch.
_HOMES = {
    "train_small_clip": "_small_clip",
    "train_small_vqgan": "_small_vqgan",
}

__all__ = [
    "SOUND_KINDS",
    "make_audiovisual_events",
    "make_sound_events",
    "pair_frames",
    *_HOMES,
]

__getattr__ = import_lazily(__name__, _HOMES, public=True)
