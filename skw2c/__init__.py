"""Sound as vectors in the space of pictures and texts, for scikit-learn pipelines."""

import importlib

__version__ = "0.1.0.dev0"

_PUBLIC = {
    "Wav2CLIPTransformer": "._wav2clip_transformer",
    "load_audio": ".audio",
    "datasets": None,
    "exceptions": None,
    "weights": None,
}

__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name):
    # Everything is imported on first use, so that `import skw2c` costs nothing.
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _PUBLIC[name]
    if home is None:
        return importlib.import_module(f".{name}", __name__)
    return getattr(importlib.import_module(home, __name__), name)


def __dir__():
    return sorted({*globals(), *_PUBLIC})
