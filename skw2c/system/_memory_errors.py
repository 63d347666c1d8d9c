"""How to know that memory was lacking."""

from __future__ import annotations


def is_lack_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory was lacking; torch raises a RuntimeError for it."""
    return isinstance(error, MemoryError) or "alloc" in str(error).lower()
