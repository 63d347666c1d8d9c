"""Search: an index of the vectors of sounds, the folder or database it is in, and its neighbours.

Vectors come from ``transformers``; how good a search is, ``metrics`` says.
"""

import importlib

_PUBLIC = {"LanceStore": "._lance_store", "QdrantStore": "._qdrant_store"}

__all__ = [*_PUBLIC]


def __getattr__(name):
    # Who shows the clips of a saved index needs no database, and starts at once.
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name], __name__), name)


def __dir__():
    return sorted({*globals(), *_PUBLIC})
