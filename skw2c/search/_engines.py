"""Which engine searches the vectors of a part."""

from __future__ import annotations

from ..exceptions import OptionalDependencyError
from ._codes import import_faiss
from ._disk_neighbours import DiskNeighbours
from ._list_file import has_lists_on_disk
from ._methods import METHODS
from ._neighbours import ExactNeighbours, FaissNeighbours

AUTO_THRESHOLD = 50_000
"""Vectors from which on "auto" takes faiss; fewer are compared hundreds of times a second."""
DISK_THRESHOLD = 5_000_000
"""Vectors from which on "auto" leaves the codes on disk; those of fewer fit into any memory."""


def choose_engine(
    method: str, n_items: int
) -> type[ExactNeighbours | FaissNeighbours | DiskNeighbours]:
    """The engine of a method; "auto" chooses by the number of vectors, and by what is installed.

    Raises
    ------
    ValueError
        If there is no such method.
    OptionalDependencyError
        If faiss is not installed, or too old, and the method needs it.
    """
    if method not in METHODS:
        choices = ", ".join(map(repr, METHODS))
        raise ValueError(f"method is {method!r}; it must be one of {choices}")
    if method == "auto":
        if n_items < AUTO_THRESHOLD or not has_faiss():
            return ExactNeighbours
        return (
            DiskNeighbours if n_items >= DISK_THRESHOLD and has_lists_on_disk() else FaissNeighbours
        )
    if method == "exact":
        return ExactNeighbours
    import_faiss()
    if method == "faiss":
        return FaissNeighbours
    if not has_lists_on_disk():
        raise OptionalDependencyError(
            "method='disk' needs a version of faiss that has IndexIVFRaBitQ: "
            "pip install --upgrade faiss-cpu"
        )
    return DiskNeighbours


def has_faiss() -> bool:
    """Whether faiss can be imported."""
    try:
        import_faiss()
    except OptionalDependencyError:
        return False
    return True
