"""What is asked of an index, and what its clips are called."""

from __future__ import annotations

import os
from numbers import Number

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import _num_samples

from ..audio import is_clip, is_encoded, is_mapping
from ..system._tensors import is_tensor, tensor_to_array
from ..validation._clips import list_clips
from ..validation._texts import list_texts


def list_queries(query, by: str) -> list:
    """The queries, where there may be one or several."""
    query = _as_array(query, by)
    if hasattr(query, "columns"):
        query = list_texts(query)
    elif _is_single(query, by):
        query = [query]
    if not np.iterable(query):
        raise ValueError(f"The query is {query!r}, and by={by!r} takes one query or a list")
    queries = list(query)
    if not queries:
        raise ValueError("the query is empty")
    for number, item in enumerate(queries):
        if isinstance(item, str) and not item.strip():
            raise ValueError(f"The query {number} is empty: {item!r}")
        if by == "text" and not isinstance(item, str):
            raise ValueError(f"query {number} is {item!r}, expected a string with by='text'")
    return [os.fspath(item) if isinstance(item, os.PathLike) else item for item in queries]


def _as_array(query, by: str):
    """The query as an array where a tensor holds it, or vectors in a table or sparse matrix."""
    if is_tensor(query):
        return tensor_to_array(query)
    if by == "audio" and _is_list_of_numbers(query):
        return np.asarray(query)
    if by != "vector":
        return query
    if hasattr(query, "toarray"):
        return query.toarray()
    is_table = len(getattr(query, "shape", ())) == 2 and hasattr(query, "columns")
    return check_array(query, input_name="query") if is_table else query


def _is_single(query, by: str) -> bool:
    if isinstance(query, (str, os.PathLike)):
        return True
    if by == "vector":
        return len(np.shape(query)) == 1
    if hasattr(query, "shape") or hasattr(query, "to_pylist"):
        samples = np.asarray(query)
        return samples.dtype.kind in "biuf" and samples.ndim <= (3 if by == "image" else 1)
    if by == "audio":
        return is_mapping(query) or is_clip(query)
    return hasattr(query, "getbands") or (by == "image" and is_encoded(query))


def _is_list_of_numbers(query) -> bool:
    """Whether these are the samples of one clip."""
    is_list = isinstance(query, (list, tuple)) and len(query) > 0
    return is_list and all(isinstance(sample, Number) for sample in query)


def list_rows(X) -> list:
    """The items of X, where it is a collection of them; as many times None for a table."""
    clips = list_clips(X)
    return [None] * _num_samples(X) if clips is None else clips


def list_names(rows: list, items, first_number: int) -> list:
    """Names of clips: what the user says, their paths, or numbers."""
    if items is None:
        return [
            os.fspath(item) if isinstance(item, (str, os.PathLike)) else first_number + row
            for row, item in enumerate(rows)
        ]
    if isinstance(items, (str, bytes)):
        raise ValueError(f"items is {items!r}, expected a list of names")
    names = [name.item() if isinstance(name, np.generic) else name for name in items]
    names = [os.fspath(name) if isinstance(name, os.PathLike) else name for name in names]
    if len(names) != len(rows):
        raise ValueError(f"items has {len(names)} names for {len(rows)} clips")
    odd = [name for name in names if not isinstance(name, (str, int, float))]
    if odd:
        raise ValueError(f"items contains {odd[0]!r}, expected strings or numbers")
    return names
