"""A small convolutional network for spectrograms that suits a CPU."""

from ...system._lazy_names import import_lazily

_HOMES = {
    "FoldedMobileNet": "_folded_mobilenet",
    "MobileNet": "_mobilenet",
}

__all__ = [*_HOMES]

__getattr__ = import_lazily(__name__, _HOMES)
