"""Sounds made by formulas: events of twelve kinds, over noise."""

from ..system._lazy_names import import_lazily

_HOMES = {
    **dict.fromkeys(
        (
            "fade",
            "keep_band",
            "let_ring",
            "make_glide",
            "make_harmonics",
            "make_time",
        ),
        "_building_blocks",
    ),
    "SOUNDS": "_event_sounds",
    "make_event_clip": "_event_clip",
    "place_events": "_event_placement",
}

__all__ = [*_HOMES]

__getattr__ = import_lazily(__name__, _HOMES)
