"""Generated data, seeded and offline, to try the estimators on."""

from ._sound_events import SOUND_KINDS, make_sound_events

__all__ = ["SOUND_KINDS", "make_sound_events"]
