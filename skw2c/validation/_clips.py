"""The clips of X: what is a collection of them, and what is a table of samples."""

from __future__ import annotations

import math
import os
import reprlib
from numbers import Number

import numpy as np
from sklearn.utils.validation import validate_data

from ..audio import is_clip, is_encoded, is_mapping, is_pair
from ..system._tensors import tensor_to_array
from ._collections import (
    ItemKind,
    refuse_empty,
    refuse_single,
    refuse_without_order,
    single_column,
)
from ._tables import note_columns

_CLIPS = ItemKind("clip", "clips", "a clip is a path, an array of samples, or the bytes of a file")


def validate_clips(estimator, X, *, reset: bool) -> list:
    """List the clips of an estimator's X; a table is validated as scikit-learn does.

    Parameters
    ----------
    estimator : estimator
        Notes the columns; under ``on_error="raise"`` tables must be finite.
    X : any
        What a user passes to ``fit`` or ``transform``.
    reset : bool
        Whether columns are noted, as ``fit`` does, or compared.

    Raises
    ------
    TypeError, ValueError
        As `list_clips`, and as scikit-learn for tables.
    """
    clips = list_clips(X)
    if clips is None:
        X = tensor_to_array(X) if hasattr(X, "detach") else X
        finite = estimator.on_error == "raise"
        return list(validate_data(estimator, X, reset=reset, ensure_all_finite=finite))
    note_columns(estimator, X, reset=reset)
    return clips


def list_clips(X) -> list | None:
    """List the clips in X, or return None where X is a table of clips x samples.

    Clips are what `as_clip` takes: paths (str or Path), one-dimensional arrays or torch
    tensors, samples with their rate, files in memory. They are in a list, a tuple or another
    collection that has an order, a Series, an array of pyarrow, a one-dimensional object or
    string array, or a single column of a DataFrame, pyarrow table or two-dimensional array.
    Lists of numbers are clips where their lengths differ, and else the rows of a table.

    Parameters
    ----------
    X : any
        What a user passes to ``fit`` or ``transform``.

    Returns
    -------
    list or None
        The clips; None for all that scikit-learn's own validation has to judge.

    Raises
    ------
    TypeError
        If X is a single clip, a generator, a dict or a set.
    ValueError
        If X is an empty collection, or a table of several columns of paths.
    """
    _refuse_single_clip(X)
    refuse_without_order(X, _CLIPS)
    if _is_masked_table(X):
        return list(X)  # each row with its mask, which scikit-learn would drop
    items = single_column(X, _CLIPS)
    if items is None:
        return None
    refuse_empty(items, _CLIPS)
    if (
        any(map(is_clip, items))
        or _is_column_of_lists(X, items)
        or all(map(_is_missing, items))
        or _is_no_table(items)
    ):
        return items
    return None


def _is_masked_table(X) -> bool:
    is_table = isinstance(X, np.ma.MaskedArray) and X.ndim > 1 and X.dtype.kind in "biuf"
    return is_table and np.ma.is_masked(X)


def _is_missing(item) -> bool:
    """Whether this is what stands in a column of paths where there is none."""
    if isinstance(item, float):
        return math.isnan(item)
    return item is None or type(item).__name__ == "NAType"


def _is_column_of_lists(X, items: list) -> bool:
    """Whether X is a column, as those of pyarrow, whose values are lists of samples."""
    return not isinstance(X, (list, tuple)) and all(isinstance(item, list) for item in items)


def _is_no_table(items: list) -> bool:
    """Whether items can be neither numbers nor rows of numbers of one length."""
    if all(isinstance(item, (list, tuple)) for item in items):
        return len(set(map(len, items))) > 1 or not all(map(_begins_with_number, items))
    # An array without dimensions is a number.
    return not all(isinstance(item, (Number, list, tuple, np.ndarray)) for item in items)


def _begins_with_number(row) -> bool:
    return len(row) == 0 or isinstance(row[0], (Number, list, tuple))


def _refuse_single_clip(X) -> None:
    if isinstance(X, (str, os.PathLike)):
        refuse_single(X, "path", _CLIPS)
    if isinstance(X, bytes):
        raise TypeError(
            f"X is the single content of a file {reprlib.repr(X)}, expected a collection of "
            "clips: pass a list, [X]"
        )
    single = is_encoded(X) or (is_mapping(X) and is_clip(X))
    if single or hasattr(X, "get_all_samples") or (isinstance(X, tuple) and is_pair(X)):
        raise TypeError(
            f"X is a single clip, {reprlib.repr(X)} of type {type(X).__name__}, expected a "
            "collection of clips: pass a list, [X]"
        )
